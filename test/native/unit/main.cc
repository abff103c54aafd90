// SPDX-License-Identifier: Apache-2.0
//
// The C++ that asks nothing of the kernel, case by case (test/native/unit.test.ts).
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
