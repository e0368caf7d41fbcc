# SPDX-License-Identifier: Apache-2.0
"""Serial ports: the only door to pyserial, which port an instrument is on, and captures of its bytes."""
