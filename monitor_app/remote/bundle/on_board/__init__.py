# SPDX-License-Identifier: Apache-2.0
"""What the bundle holds that the program itself does without: stand-ins for what a board lacks.

The bundle has these modules under other names. They keep to the standard library and are lowered as all others.
"""
