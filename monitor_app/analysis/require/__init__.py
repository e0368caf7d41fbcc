# SPDX-License-Identifier: Apache-2.0
"""Whether the networks of a session keep to what is required of them."""
