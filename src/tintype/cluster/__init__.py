"""Many photographs on many computers: the same as `tintype.album`, on a Ray cluster and with stores such as s3://.

for outcome in tintype.cluster.run(["s3://scans/1931/"], "s3://colour/1931/", address="auto"):
    print(outcome.input, outcome.status, outcome.message)
"""

from tintype.cluster.addresses import Address
from tintype.cluster.engine import run
from tintype.cluster.rows import Rows
from tintype.cluster.stores import Store, store_of

__all__ = ["Address", "Rows", "Store", "run", "store_of"]
