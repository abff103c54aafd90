// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace egress {

/// Gives back the pages of programs and libraries that are mapped but were not written: most of
/// what a start touches is not needed again, and what is comes back from the page cache. To be
/// called once the start is over.
void release_startup_pages();

}  // namespace egress
