# SPDX-License-Identifier: Apache-2.0
"""The shunt meter of high bandwidth: frames over a serial stream."""
