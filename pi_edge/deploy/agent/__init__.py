"""What runs on the Pi while a laptop deploys to it, as root and with nothing but Python.

The laptop sends these modules as one archive over ssh (pi_edge/deploy/archive.py), talks to them
in lines of JSON, and leaves a copy at /opt/pi-edge/agent.pyz, which systemd runs to switch releases
(activation.py). Every step may be cut off anywhere and done again.
"""
