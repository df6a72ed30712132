"""What is wrong on this machine, and the exact command that mends it.

Each check is a function that looks at one thing and tells what it found (findings.py); checkup.py
has the list of them. All is done with the standard library: where NumPy, the runtime or a web
server is missing, that is what they tell.
"""
