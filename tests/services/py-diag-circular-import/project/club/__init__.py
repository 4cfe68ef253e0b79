from flask import Flask

from club.members import members

app = Flask(__name__)
app.register_blueprint(members)
LIMIT = 40
