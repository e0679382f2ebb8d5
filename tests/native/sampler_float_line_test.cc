// Halving the line of floats: where a predicate flips is found to the bit, in the floating-point mode that draws run
// in.
#include "native/sampler/float_line.h"

#include <cmath>
#include <initializer_list>
#include <limits>

#include "native/base/fp_env.h"
#include "tests/native/check.h"

namespace faultline::sampler {
namespace {

constexpr float kLeastNormal = std::numeric_limits<float>::min();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(sampler_float_line_goes_through_every_float_in_order) {
  EXPECT_EQ(ordered(-0.0F), 0);
  EXPECT_EQ(ordered(0.0F), 0);
  for (const float value : {-kLargest, -1.5F, -kLeastNormal, kLeastNormal, 1.5F, kLargest}) {
    EXPECT_EQ(unordered(ordered(value)), value);
    EXPECT_EQ(before(value), std::nextafter(value, -kInfinity));
  }
}

TEST(sampler_least_where_is_found_to_the_bit) {
  // Under the mode of base::FpEnv all denormals equal zero, so that floats just above them are where a search by value
  // would stop early.
  for (const float flip : {-kLargest, -3.25F, -1.5F * kLeastNormal, -kLeastNormal, kLeastNormal, 1.1F * kLeastNormal,
                           1.9F * kLeastNormal, 2.1F * kLeastNormal, 1e-30F, 0.1F, 3.25F, kLargest, kInfinity}) {
    const base::FpEnv mode;
    EXPECT_EQ(ordered(least_where([&](float value) { return value >= flip; })), ordered(flip));
  }
  EXPECT_EQ(least_where([](float) { return true; }), -kInfinity);
  EXPECT_EQ(least_where([](float) { return false; }), kInfinity);
}

}  // namespace
}  // namespace faultline::sampler
