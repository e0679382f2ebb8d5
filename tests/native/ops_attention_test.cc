// attend and attention_end against the oracle's plain softmax; segments, chunks and instruction sets against each
// other.
#include <algorithm>

#include "native/ops/ref/ref.h"
#include "tests/native/ops_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;

/// Keys and values of one segment, stored as ops.h says. Slots past the end are NaN: they must not matter.
struct Segment {
  std::int32_t keys;
  std::int64_t v_stride;
  std::vector<float> k, v;
  Segment(Random& random, std::int32_t count, std::int32_t dim, std::int64_t stride) : keys(count), v_stride(stride) {
    const std::int64_t blocks = (count + 15) / 16;
    k.assign(static_cast<std::size_t>(blocks * 16 * dim), std::numeric_limits<float>::quiet_NaN());
    for (std::int32_t j = 0; j < count; ++j) {
      for (std::int32_t c = 0; c < dim; ++c)
        k[static_cast<std::size_t>((j / 16 * dim + c) * 16 + j % 16)] = random.real();
    }
    // The last row ends where its values end, so that a read past them is found by ASan.
    v.assign(static_cast<std::size_t>(count == 0 ? 0 : (count - 1) * stride + dim), 0);
    for (float& value : v) value = random.real();
  }
};

struct State {
  std::vector<float> m, l;
  Guarded acc;
  State(std::int32_t rows, std::int32_t dim)
      : m(static_cast<std::size_t>(rows), -std::numeric_limits<float>::infinity()),
        l(static_cast<std::size_t>(rows), 0),
        acc(rows, dim, dim + 3) {
    for (std::int32_t row = 0; row < rows; ++row) std::fill_n(acc.data() + row * (dim + 3), dim, 0.0f);
  }
};

struct Case {
  std::int32_t rows, dim, prefix, suffix;
  bool causal;
};

void check(const Case& c) {
  const base::FpEnv mode;
  Random random(static_cast<std::uint64_t>(c.rows * 1000 + c.dim * 10 + c.prefix + c.suffix));
  const std::int64_t q_stride = c.dim + 1;
  const Misaligned q(random.reals(c.rows * q_stride, 2));
  const Segment prefix(random, c.prefix, c.dim, c.dim + 2), suffix(random, c.suffix, c.dim, c.dim);
  std::vector<std::int32_t> sees_prefix, sees_suffix;
  for (std::int32_t row = 0; row < c.rows; ++row) {
    sees_prefix.push_back(c.causal ? std::min(c.prefix, row + 1) : c.prefix);
    // Every number of visible keys from none to all, in no order.
    sees_suffix.push_back(c.suffix == 0 ? 0 : row * 7 % (c.suffix + 1));
  }
  std::vector<float> first;
  for (const NamedTable& table : runnable_tables()) {
    const std::string what = "attend " + table.isa + " rows=" + std::to_string(c.rows) +
                             " dim=" + std::to_string(c.dim) + " prefix=" + std::to_string(c.prefix) +
                             " suffix=" + std::to_string(c.suffix);
    State state(c.rows, c.dim);
    AttentionArgs a{q.data(),        q_stride,        c.rows,
                    c.dim,           0.35f,           prefix.k.data(),
                    prefix.v.data(), prefix.v_stride, sees_prefix.data(),
                    state.m.data(),  state.l.data(),  state.acc.data(),
                    c.dim + 3};
    AttentionArgs b = a;
    b.k = suffix.k.data();
    b.v = suffix.v.data();
    b.v_stride = suffix.v_stride;
    b.visible = sees_suffix.data();
    std::vector<double> want, magnitude;
    ref::attention({a, b}, want, magnitude);
    table.ops.attend(a);
    table.ops.attend(b);
    table.ops.attention_end(state.acc.data(), c.dim + 3, state.l.data(), c.rows, c.dim);
    EXPECT_UNTOUCHED_AROUND(state.acc, what);
    const std::vector<float> got = state.acc.values();
    // A score is a chain of dim steps with |score| <= sum |q k| scale <= dim * 2 * 0.35, so it is off by at most dim u
    // times that; exp turns the absolute error into a relative one (twice: numerator and denominator), and the sums
    // over keys add (keys + 8) u each.
    const double score = c.dim * (c.dim * 2 * 0.35) * kUnit + 4 * kUnit;
    const double sums = (c.prefix + c.suffix + 8.0 * ((c.prefix + c.suffix) / 64 + 2)) * kUnit;
    std::vector<double> tolerance;
    for (const double size : magnitude) tolerance.push_back(2 * (score + sums) * size + kSmallestNormal);
    EXPECT_CLOSE(what, got.data(), want.data(), tolerance.data(), static_cast<std::int64_t>(got.size()),
                 "2 (dim |score| + keys) u sum w|v|");
    std::vector<float> all = got;
    all.insert(all.end(), state.m.begin(), state.m.end());
    all.insert(all.end(), state.l.begin(), state.l.end());
    if (first.empty()) first = all;
    EXPECT_SAME_BITS(what + " against scalar", all.data(), first.data(), static_cast<std::int64_t>(all.size()));
  }
}

TEST(attend_every_key_count_around_blocks_and_chunks) {
  for (const std::int32_t keys : {1, 2, 15, 16, 17, 31, 33, 47, 48, 49, 63, 64, 65, 127, 128, 129, 200})
    check({9, 24, keys, 0, false});  // eight rows in fours, where an instruction set takes fours, and one more
}
TEST(attend_every_dim_tail) {
  for (const std::int32_t dim : {1, 2, 7, 12, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 80, 96, 128, 130})
    check({6, dim, 70, 5, false});
}
TEST(attend_causal_prefill_and_ragged_suffixes) {
  check({100, 16, 100, 0, true});
  check({70, 8, 90, 40, false});
  check({5, 64, 0, 130, false});
}
TEST(attend_sees_nothing) { check({3, 16, 0, 0, false}); }

/// A row's result must not depend on the rows that it shares a call with.
TEST(attend_rows_are_independent) {
  const base::FpEnv mode;
  Random random(9);
  const std::int32_t dim = 32, rows = 14;
  const Segment segment(random, 150, dim, dim);
  const std::vector<float> q = random.reals(rows * dim, 2);
  std::vector<std::int32_t> visible;
  // Five that see the same keys, as those of one prompt do, and others.
  for (std::int32_t row = 0; row < rows; ++row) visible.push_back(row < 5 ? 150 : 150 - 11 * row);
  for (const NamedTable& table : runnable_tables()) {
    State together(rows, dim);
    table.ops.attend({q.data(), dim, rows, dim, 0.2f, segment.k.data(), segment.v.data(), dim, visible.data(),
                      together.m.data(), together.l.data(), together.acc.data(), dim + 3});
    for (std::int32_t row = 0; row < rows; ++row) {
      State alone(1, dim);
      table.ops.attend({q.data() + row * dim, dim, 1, dim, 0.2f, segment.k.data(), segment.v.data(), dim,
                        visible.data() + row, alone.m.data(), alone.l.data(), alone.acc.data(), dim + 3});
      EXPECT_SAME_BITS("attend " + table.isa + " row alone", together.acc.data() + row * (dim + 3), alone.acc.data(),
                       dim);
      EXPECT_SAME_BITS("attend l " + table.isa, &together.l[static_cast<std::size_t>(row)], alone.l.data(), 1);
    }
  }
}

/// Large scores of either sign: the running maximum must keep exp in range.
TEST(attend_survives_large_scores) {
  const base::FpEnv mode;
  const std::int32_t dim = 16, keys = 130;
  Random random(11);
  Segment segment(random, keys, dim, dim);
  for (float& value : segment.k) value *= 1e4f;
  const std::vector<float> q = random.reals(dim, 100);
  const std::int32_t visible = keys;
  for (const NamedTable& table : runnable_tables()) {
    State state(1, dim);
    table.ops.attend({q.data(), dim, 1, dim, 1, segment.k.data(), segment.v.data(), dim, &visible, state.m.data(),
                      state.l.data(), state.acc.data(), dim});
    table.ops.attention_end(state.acc.data(), dim, state.l.data(), 1, dim);
    for (std::int32_t c = 0; c < dim; ++c) EXPECT(std::fabs(state.acc.data()[c]) <= 1.0001f);
  }
}

}  // namespace
}  // namespace faultline::check
