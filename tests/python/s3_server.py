"""An S3-compatible service on loopback, in memory, one request at a time.

Creates the bucket "lakes", prints its port and serves until it is killed. One request at a time,
because moto looks at the condition of a conditional put and then puts, with nothing held in between.
With INITIAL_NO_AUTH_ACTION_COUNT=0 it refuses all credentials.
"""

import sys

from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


def main() -> int:
    s3_backends["123456789012"]["aws"].create_bucket("lakes", "us-east-1")
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, app, threaded=False)
    print(server.port, flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
