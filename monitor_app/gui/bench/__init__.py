# SPDX-License-Identifier: Apache-2.0
"""The bench driven from the window: what it reports and is sent, trust in its profile, and a plan that is resumed."""
