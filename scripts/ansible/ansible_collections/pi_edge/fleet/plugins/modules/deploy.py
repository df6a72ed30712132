"""Documentation of the action of this name (plugins/action/deploy.py), as Ansible wants it."""

DOCUMENTATION = """
module: deploy
short_description: Put pi-edge on a Raspberry Pi or bring it up to date there
description:
  - Runs C(scripts/deploy) of a checkout of pi-edge on the controller, with Ansible's own ssh
    settings for the host, and tells what came of it.
  - A release that does not become ready is taken back by the host itself; the task then fails, and
    the former release serves.
options:
  checkout:
    description: The checkout on the controller. Without it, the one that this collection stands in.
    type: path
  models:
    description: Models of your own, from the controller's state folder, by name.
    type: list
    elements: str
    default: []
  lan:
    description: Serve the local network, to whoever has the token.
    type: bool
    default: false
  offline:
    description: Bring all that the host would download.
    type: bool
    default: false
  rollback:
    description: Go back to the release that served before. Goes with nothing else.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Says what would be done, but for C(rollback), which is skipped.
notes:
  - The host needs ssh with a key, and a user whom C(sudo) asks no password.
author:
  - The authors of pi-edge (@pi-edge)
"""

EXAMPLES = """
- name: The checkout's release, with a model of one's own
  pi_edge.fleet.deploy:
    models:
      - mine
    offline: true

- name: The release before
  pi_edge.fleet.deploy:
    rollback: true
"""

RETURN = """
release:
  description: The release that serves now.
  returned: success
  type: str
  sample: 0.1.0-c5ed049dfa2f
former:
  description: The release that served before the task; empty for none.
  returned: success
  type: str
done:
  description: What was done, in a few words.
  returned: success
  type: str
  sample: ready after 3 s
notes:
  description: Further lines, such as the address to open on a phone.
  returned: success
  type: list
  elements: str
"""
