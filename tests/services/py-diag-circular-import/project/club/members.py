from flask import Blueprint

from club import LIMIT

members = Blueprint("members", __name__)


@members.get("/health")
def health():
    return {"free": LIMIT}
