from tests.support import published as sharing

model, original, published = sharing.model, sharing.original, sharing.published
