#!/usr/bin/env python3
"""Render's own SDK (PyPI `render` 1.5.0) against a running sandbox.

Takes BASE_URL (with /v1), KEY, SERVICE_ID and OWNER_ID from the environment. The service must have a commit to deploy.
Exits with 1 and says what differs on the first answer the SDK cannot read or that is not what it should be.
"""

import os
import sys
import time
import traceback

from render.public_api.api.deploys import cancel_deploy, create_deploy, list_deploys, retrieve_deploy
from render.public_api.api.logs import list_logs, list_logs_values
from render.public_api.api.services import (
    list_events,
    list_instances,
    list_services,
    restart_service,
    retrieve_service,
)
from render.public_api.api.services import get_env_vars_for_service as list_env_vars
from render.public_api.api.users import get_user
from render.public_api.api.workspaces import list_owners, retrieve_owner
from render.public_api.client import AuthenticatedClient
from render.public_api.models import CreateDeployBody, DeployStatus, ListLogsValuesLabel

SERVICE = os.environ["SERVICE_ID"]
OWNER = os.environ["OWNER_ID"]
# A fake deploy takes a second; a real one builds an image.
PATIENCE_SECONDS = float(os.environ.get("PATIENCE_SECONDS", "120"))


def client(key):
    # Without a limit of its own a hanging answer would hang the check.
    return AuthenticatedClient(
        base_url=os.environ["BASE_URL"], token=key, raise_on_unexpected_status=True, timeout=30
    )


def expect(what, seen, wanted):
    if seen != wanted:
        raise AssertionError(f"{what}: expected {wanted!r}, saw {seen!r}")
    print(f"ok  {what}")


def read(what, answer, status=200):
    expect(f"{what} answers {status}", int(answer.status_code), status)
    return answer.parsed


def services(c):
    found = read("list services", list_services.sync_detailed(client=c, limit=20))
    expect("the service is listed", SERVICE in [item.service.id for item in found], True)
    service = read("retrieve service", retrieve_service.sync_detailed(SERVICE, client=c))
    expect("service id", service.id, SERVICE)
    expect("service owner", service.owner_id, OWNER)
    variables = read("list env vars", list_env_vars.sync_detailed(SERVICE, client=c))
    expect("env vars decode", all(item.env_var.key for item in variables), True)
    read("list instances", list_instances.sync_detailed(SERVICE, client=c))
    read("an unknown service", retrieve_service.sync_detailed("srv-00000000000000000000", client=c), 404)


def deploys(c):
    started = create_deploy.sync_detailed(SERVICE, client=c, body=CreateDeployBody())
    deploy = read("create deploy", started, 201)
    expect("commit of the new deploy", len(deploy.commit.id), 40)
    begun = time.monotonic()
    while deploy.status not in (DeployStatus.LIVE, DeployStatus.BUILD_FAILED, DeployStatus.UPDATE_FAILED):
        if time.monotonic() - begun > PATIENCE_SECONDS:
            raise AssertionError(f"deploy still {deploy.status} after {PATIENCE_SECONDS} s")
        time.sleep(0.2)
        deploy = read("retrieve deploy", retrieve_deploy.sync_detailed(SERVICE, deploy.id, client=c))
    expect("deploy goes live", deploy.status, DeployStatus.LIVE)
    live = [DeployStatus.LIVE, DeployStatus.QUEUED]
    found = read("list deploys by status", list_deploys.sync_detailed(SERVICE, client=c, status=live))
    expect("only the newest is live", [item.deploy.id for item in found], [deploy.id])
    first = read("first page", list_deploys.sync_detailed(SERVICE, client=c, limit=1))
    second = read("second page", list_deploys.sync_detailed(SERVICE, client=c, limit=1, cursor=first[-1].cursor))
    expect("pages do not overlap", first[0].deploy.id in [item.deploy.id for item in second], False)
    ended = cancel_deploy.sync_detailed(SERVICE, deploy.id, client=c)
    read("canceling a finished deploy", ended, 400)


def logs(c):
    page = read(
        "list logs",
        list_logs.sync_detailed(client=c, owner_id=OWNER, resource=[SERVICE], type_=["build", "app"], limit=5),
    )
    expect("a page of five", (len(page.logs), page.has_more), (5, True))
    following = read(
        "next page",
        list_logs.sync_detailed(
            client=c,
            owner_id=OWNER,
            resource=[SERVICE],
            limit=5,
            start_time=page.next_start_time,
            end_time=page.next_end_time,
        ),
    )
    expect("the next page is older", following.logs[0].timestamp <= page.logs[-1].timestamp, True)
    values = list_logs_values.sync_detailed(
        client=c, owner_id=OWNER, resource=[SERVICE], label=ListLogsValuesLabel.TYPE
    )
    expect("types in the log", sorted(read("list log values", values)), ["app", "build"])


def events(c):
    found = read("list events", list_events.sync_detailed(SERVICE, client=c))
    # Enum members print differently from Python to Python; their values do not.
    kinds = {getattr(item.event.type_, "value", item.event.type_) for item in found}
    wanted = {"deploy_started", "build_started", "build_ended", "deploy_ended"}
    expect("events of a deploy", wanted <= kinds, True)


def workspace(c):
    owners = read("list owners", list_owners.sync_detailed(client=c))
    expect("owners", [item.owner.id for item in owners], [OWNER])
    expect("retrieve owner", read("owner", retrieve_owner.sync_detailed(OWNER, client=c)).id, OWNER)
    expect("user has an address", "@" in read("user", get_user.sync_detailed(client=c)).email, True)
    read("a wrong key", get_user.sync_detailed(client=client("wrong")), 401)


def main():
    c = client(os.environ["KEY"])
    for check in (workspace, services, deploys, logs, events):
        check(c)
    restarted = restart_service.sync_detailed(SERVICE, client=c)
    expect("restart answers 200 with an empty body", (int(restarted.status_code), restarted.content), (200, b""))


if __name__ == "__main__":
    try:
        main()
    except Exception:
        traceback.print_exc()
        sys.exit(1)
