from tests.support import storage as sharing

storage = sharing.storage
