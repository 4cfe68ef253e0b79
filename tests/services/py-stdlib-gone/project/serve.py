import os

import waitress

from intake.app import make_app

waitress.serve(make_app(), host="0.0.0.0", port=int(os.environ.get("PORT", "8000")))
