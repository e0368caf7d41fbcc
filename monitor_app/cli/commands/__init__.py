# SPDX-License-Identifier: Apache-2.0
"""The commands and their options; what they do is in the packages below."""
