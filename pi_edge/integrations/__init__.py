"""What pi-edge is wired to: a watched folder, a camera, a button, an MQTT broker.

Each is one file with little beside it, each can be left out, and none is imported before somebody
asks for it.
"""
