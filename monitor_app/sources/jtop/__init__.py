# SPDX-License-Identifier: Apache-2.0
"""The rails, clocks and temperatures of a Jetson through the jetson-stats service, in a child process."""
