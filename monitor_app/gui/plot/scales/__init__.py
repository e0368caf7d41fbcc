# SPDX-License-Identifier: Apache-2.0
"""How values and times are mapped and labelled: scales of the y axes, styles of the curves, labels of the time axis."""
