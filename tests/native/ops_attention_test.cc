// attend and attention_end against the oracle's plain softmax; segments, chunks, instruction sets and both types of
// keys and values against each other.
#include <algorithm>
#include <type_traits>

#include "native/ops/ref/ref.h"
#include "native/tensor/convert.h"
#include "tests/native/ops_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;

/// Keys and values of one segment, stored as ops.h says. Slots past the end are NaN: they must not matter.
template <class Element>
struct Segment {
  std::int32_t keys;
  std::int64_t v_stride;
  // With one element in front, so that what attend gets is aligned to its element and no further.
  std::vector<Element> k_storage, v_storage;
  Segment(Random& random, std::int32_t count, std::int32_t dim, std::int64_t stride) : keys(count), v_stride(stride) {
    const std::int64_t blocks = (count + 15) / 16;
    k_storage.assign(static_cast<std::size_t>(blocks * 16 * dim) + 1, stored(std::numeric_limits<float>::quiet_NaN()));
    for (std::int32_t j = 0; j < count; ++j) {
      for (std::int32_t c = 0; c < dim; ++c)
        k_storage[static_cast<std::size_t>((j / 16 * dim + c) * 16 + j % 16) + 1] = stored(random.real());
    }
    // The last row ends where its values end, so that a read past them is found by ASan.
    v_storage.assign(static_cast<std::size_t>(count == 0 ? 0 : (count - 1) * stride + dim) + 1, Element{0});
    for (Element& value : v_storage) value = stored(random.real());
  }
  const Element* k() const { return k_storage.data() + 1; }
  const Element* v() const { return v_storage.data() + 1; }
  static Element stored(float value) {
    if constexpr (std::is_same_v<Element, float>) {
      return value;
    } else {
      return tensor::bfloat16_from_float(value);
    }
  }
};

template <class Element>
constexpr KvType kType = std::is_same_v<Element, float> ? KvType::f32 : KvType::bf16;

/// A segment in bfloat16 with its numbers as floats, which is exact.
Segment<float> widened(const Segment<std::uint16_t>& halves) {
  Random unused(0);
  Segment<float> floats(unused, 0, 0, halves.v_stride);
  floats.keys = halves.keys;
  const auto widen = [](const std::vector<std::uint16_t>& from, std::vector<float>& to) {
    to.resize(from.size());
    std::ranges::transform(from, to.begin(), tensor::float_from_bfloat16);
  };
  widen(halves.k_storage, floats.k_storage);
  widen(halves.v_storage, floats.v_storage);
  return floats;
}

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

template <class Element>
void check_stored(const Case& c) {
  const base::FpEnv mode;
  Random random(static_cast<std::uint64_t>(c.rows * 1000 + c.dim * 10 + c.prefix + c.suffix));
  const std::int64_t q_stride = c.dim + 1;
  const Misaligned q(random.reals(c.rows * q_stride, 2));
  const Segment<Element> prefix(random, c.prefix, c.dim, c.dim + 2), suffix(random, c.suffix, c.dim, c.dim);
  std::vector<std::int32_t> sees_prefix, sees_suffix;
  for (std::int32_t row = 0; row < c.rows; ++row) {
    sees_prefix.push_back(c.causal ? std::min(c.prefix, row + 1) : c.prefix);
    // Every number of visible keys from none to all, in no order.
    sees_suffix.push_back(c.suffix == 0 ? 0 : row * 7 % (c.suffix + 1));
  }
  const auto args = [&](State& state, const auto& segment, const std::vector<std::int32_t>& sees) -> AttentionArgs {
    return {.q = q.data(),
            .q_stride = q_stride,
            .rows = c.rows,
            .dim = c.dim,
            .scale = 0.35f,
            .k = segment.k(),
            .v = segment.v(),
            .v_stride = segment.v_stride,
            .visible = sees.data(),
            .m = state.m.data(),
            .l = state.l.data(),
            .acc = state.acc.data(),
            .acc_stride = c.dim + 3,
            .kv_type = kType<std::remove_cvref_t<decltype(*segment.k())>>};
  };
  /// The state after both segments, and the result.
  const auto attended = [&](const OpTable& table, State& state, const auto& first, const auto& second) {
    table.attend(args(state, first, sees_prefix));
    table.attend(args(state, second, sees_suffix));
    table.attention_end(state.acc.data(), c.dim + 3, state.l.data(), c.rows, c.dim);
    std::vector<float> all = state.acc.values();
    all.insert(all.end(), state.m.begin(), state.m.end());
    all.insert(all.end(), state.l.begin(), state.l.end());
    return all;
  };
  std::vector<float> first;
  for (const NamedTable& table : runnable_tables()) {
    const std::string what = std::string("attend ") + (kType<Element> == KvType::f32 ? "" : "bfloat16 ") + table.isa +
                             " rows=" + std::to_string(c.rows) + " dim=" + std::to_string(c.dim) +
                             " prefix=" + std::to_string(c.prefix) + " suffix=" + std::to_string(c.suffix);
    State state(c.rows, c.dim);
    std::vector<double> want, magnitude;
    ref::attention({args(state, prefix, sees_prefix), args(state, suffix, sees_suffix)}, want, magnitude);
    const std::vector<float> all = attended(table.ops, state, prefix, suffix);
    EXPECT_UNTOUCHED_AROUND(state.acc, what);
    // A score is a chain of dim steps with |score| <= sum |q k| scale <= dim * 2 * 0.35, so it is off by at most dim u
    // times that; exp turns the absolute error into a relative one (twice: numerator and denominator), and the sums
    // over keys add (keys + 8) u each. Stored numbers are the oracle's too, so rounding them is no part of it.
    const double score = c.dim * (c.dim * 2 * 0.35) * kUnit + 4 * kUnit;
    const double sums = (c.prefix + c.suffix + 8.0 * ((c.prefix + c.suffix) / 64 + 2)) * kUnit;
    std::vector<double> tolerance;
    for (const double size : magnitude) tolerance.push_back(2 * (score + sums) * size + kSmallestNormal);
    EXPECT_CLOSE(what, all.data(), want.data(), tolerance.data(), static_cast<std::int64_t>(want.size()),
                 "2 (dim |score| + keys) u sum w|v|");
    if (first.empty()) first = all;
    EXPECT_SAME_BITS(what + " against scalar", all.data(), first.data(), static_cast<std::int64_t>(all.size()));
    if constexpr (kType<Element> == KvType::bf16) {
      State wide(c.rows, c.dim);
      const std::vector<float> same = attended(table.ops, wide, widened(prefix), widened(suffix));
      EXPECT_SAME_BITS(what + " against the same numbers in float", all.data(), same.data(),
                       static_cast<std::int64_t>(all.size()));
    }
  }
}

void check(const Case& c) {
  check_stored<float>(c);
  check_stored<std::uint16_t>(c);
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
template <class Element>
void check_rows_alone() {
  const base::FpEnv mode;
  Random random(9);
  const std::int32_t dim = 32, rows = 14;
  const Segment<Element> segment(random, 150, dim, dim);
  const std::vector<float> q = random.reals(rows * dim, 2);
  std::vector<std::int32_t> visible;
  // Five that see the same keys, as those of one prompt do, and others.
  for (std::int32_t row = 0; row < rows; ++row) visible.push_back(row < 5 ? 150 : 150 - 11 * row);
  const KvType type = kType<Element>;
  for (const NamedTable& table : runnable_tables()) {
    State together(rows, dim);
    table.ops.attend({q.data(), dim, rows, dim, 0.2f, segment.k(), segment.v(), dim, visible.data(), together.m.data(),
                      together.l.data(), together.acc.data(), dim + 3, type});
    for (std::int32_t row = 0; row < rows; ++row) {
      State alone(1, dim);
      table.ops.attend({q.data() + row * dim, dim, 1, dim, 0.2f, segment.k(), segment.v(), dim, visible.data() + row,
                        alone.m.data(), alone.l.data(), alone.acc.data(), dim + 3, type});
      EXPECT_SAME_BITS("attend " + table.isa + " row alone", together.acc.data() + row * (dim + 3), alone.acc.data(),
                       dim);
      EXPECT_SAME_BITS("attend l " + table.isa, &together.l[static_cast<std::size_t>(row)], alone.l.data(), 1);
    }
  }
}
TEST(attend_rows_are_independent) {
  check_rows_alone<float>();
  check_rows_alone<std::uint16_t>();
}

/// Large scores of either sign: the running maximum must keep exp in range.
TEST(attend_survives_large_scores) {
  const base::FpEnv mode;
  const std::int32_t dim = 16, keys = 130;
  Random random(11);
  Segment<float> segment(random, keys, dim, dim);
  for (float& value : segment.k_storage) value *= 1e4f;
  const std::vector<float> q = random.reals(dim, 100);
  const std::int32_t visible = keys;
  for (const NamedTable& table : runnable_tables()) {
    State state(1, dim);
    table.ops.attend({q.data(), dim, 1, dim, 1, segment.k(), segment.v(), dim, &visible, state.m.data(), state.l.data(),
                      state.acc.data(), dim});
    table.ops.attention_end(state.acc.data(), dim, state.l.data(), 1, dim);
    for (std::int32_t c = 0; c < dim; ++c) EXPECT(std::fabs(state.acc.data()[c]) <= 1.0001f);
  }
}

}  // namespace
}  // namespace faultline::check
