// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace egress {

/// Waits until every program that could have seen the maps as they were has ended.
void wait_for_running_programs();

}  // namespace egress
