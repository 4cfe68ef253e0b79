import falcon

from intake.parcels import describe, escape


class Health:
    def on_get(self, request, response):
        response.media = {"status": "ok"}


class Parcels:
    def on_post(self, request, response):
        body = request.bounded_stream.read()
        response.media = {**describe(request.content_type), "length": len(escape(body))}


def make_app():
    app = falcon.App()
    app.add_route("/health", Health())
    app.add_route("/parcels", Parcels())
    return app
