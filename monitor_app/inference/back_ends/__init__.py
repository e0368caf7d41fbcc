# SPDX-License-Identifier: Apache-2.0
"""The back ends, a file each; `back_end` says what each has to offer, `choice` finds one by its name."""
