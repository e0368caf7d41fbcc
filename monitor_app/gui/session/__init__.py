# SPDX-License-Identifier: Apache-2.0
"""The session that is open: its document, recording, shown signals, exports."""
