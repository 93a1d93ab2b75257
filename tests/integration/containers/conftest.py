from tests.support import clinc150 as real_data
from tests.support import storage as sharing

storage = sharing.storage
clinc150 = real_data.clinc150
