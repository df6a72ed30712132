"""From a laptop to Raspberry Pis over ssh: releases, what they need, and how they get there."""
