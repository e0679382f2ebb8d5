// Philox4x32-10 against the known answers published with Random123 (kat_vectors).
#include "native/base/philox.h"

#include "tests/native/check.h"

namespace faultline::check {
namespace {

using base::philox4x32_10;
using base::PhiloxBlock;

TEST(philox_known_answers) {
  EXPECT(philox4x32_10({0, 0, 0, 0}, 0) == (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT(philox4x32_10({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffffffffffff) ==
         (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  // Digits of pi; the key's first word is its low half.
  EXPECT(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822) ==
         (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(philox_is_usable_at_compile_time) {
  constexpr PhiloxBlock block = philox4x32_10({1, 2, 3, 4}, 5);
  EXPECT(block == philox4x32_10({1, 2, 3, 4}, 5));
}

}  // namespace
}  // namespace faultline::check
