# SPDX-License-Identifier: Apache-2.0
"""`python -m monitor_app` is the same as `monitor-app`."""

import sys

from monitor_app.cli import main

sys.exit(main())
