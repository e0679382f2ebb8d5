// attend in bfloat16 against the plain softmax in double over the same (rounded) inputs: prefixes around the lengths at
// which kernels split, ragged suffixes, tiles of any size, prompts in one piece and in two; where keys and values land
// and that nothing else of a segment changes; and that a row's result does not depend on its companions, to the bit.
#include <algorithm>
#include <memory>

#include "tests/native/device_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;

constexpr std::uint16_t kPoison = 0xFFFF;  // NaN
constexpr std::int32_t kLayers = 2, kLayer = 1;

/// Keys and values of one segment, [layer][head][2][capacity][dim]. Only keys that `fill` wrote are numbers, all else
/// is NaN: the other layer, and slots that nobody stored yet, must not matter.
struct Segment {
  std::int32_t heads, head_width, dim, capacity;
  std::vector<std::uint16_t> host;
  OnDevice<std::uint16_t> device;

  Segment(std::int32_t heads, std::int32_t head_width, std::int32_t keys)
      : heads(heads),
        head_width(head_width),
        dim(device_dim(head_width)),
        capacity(device_round_up(keys, 16)),
        host(static_cast<std::size_t>(kLayers * heads * 2 * capacity * dim), kPoison),
        device(host) {}
  /// One key (part 0) or value (part 1).
  std::uint16_t* at(std::int32_t head, std::int32_t part, std::int32_t key) {
    return host.data() + (((kLayer * heads + head) * 2 + part) * capacity + key) * dim;
  }
  void fill(Random& random, std::int32_t keys) {
    for (std::int32_t head = 0; head < heads; ++head) {
      for (std::int32_t part = 0; part < 2; ++part) {
        for (std::int32_t key = 0; key < keys; ++key) {
          for (std::int32_t c = 0; c < dim; ++c) at(head, part, key)[c] = c < head_width ? bf16(random.real()) : 0;
        }
      }
    }
    device.set(host);
  }
};

/// One row, as the test knows it. No prefix: null.
struct Row {
  Segment* prefix;
  std::int32_t prefix_visible;
  Segment* write_to;  // null: a dead row
  std::int32_t write_at;
  std::int32_t suffix_visible;
  std::vector<std::uint16_t> qkv;  // [3 * heads * head_width]
};

/// Rows with their segments, ready to be run in any selection and order.
struct Batch {
  std::int32_t heads, head_width;
  bool prompt = false;
  float scale;
  Random random;
  std::vector<std::unique_ptr<Segment>> segments;
  std::vector<Row> rows;

  Batch(std::int32_t heads, std::int32_t head_width)
      : heads(heads),
        head_width(head_width),
        scale(1.5f / std::sqrt(static_cast<float>(head_width))),
        random(static_cast<std::uint64_t>(heads * 1000 + head_width)) {}
  std::int32_t width() const { return heads * head_width; }
  Segment* segment(std::int32_t capacity, std::int32_t keys) {
    segments.push_back(std::make_unique<Segment>(heads, head_width, capacity));
    segments.back()->fill(random, keys);
    return segments.back().get();
  }
  std::vector<std::uint16_t> random_qkv() { return bf16(random.reals(3 * width(), 2)); }

  /// A generated token after `suffix` - 1 others. Every second row looks for one key, which it then finds alone: that
  /// tells a wrong key or a missing one from rounding.
  void add_row(Segment* prefix, std::int32_t prefix_visible, std::int32_t suffix) {
    Segment* const own = segment(suffix + 5, suffix - 1);
    Row row{prefix, prefix_visible, own, suffix - 1, suffix, random_qkv()};
    const auto sought = static_cast<std::int32_t>(random.below(prefix_visible + suffix));
    const std::int32_t in_suffix = sought - prefix_visible;
    for (std::int32_t i = 0; rows.size() % 2 == 0 && i < width(); ++i) {
      const std::int32_t head = i / head_width, c = i % head_width;
      const std::uint16_t key = in_suffix < 0             ? prefix->at(head, 0, sought)[c]
                                : in_suffix == suffix - 1 ? row.qkv[static_cast<std::size_t>(width() + i)]
                                                          : own->at(head, 0, in_suffix)[c];
      row.qkv[static_cast<std::size_t>(i)] = bf16(8 * bf16_float(key));
    }
    rows.push_back(std::move(row));
  }
  void add_group(std::int32_t prefix, const std::vector<std::int32_t>& suffixes) {
    Segment* const shared = prefix == 0 ? nullptr : segment(prefix + 20, prefix);
    for (const std::int32_t suffix : suffixes) add_row(shared, prefix, suffix);
  }
  /// Nothing of a dead row may be used: its qkv is NaN, its pointers lead nowhere.
  void add_dead() {
    const std::vector<std::uint16_t> nan(static_cast<std::size_t>(3 * width()), kPoison);
    rows.push_back({nullptr, 1000, nullptr, 1000, 1000, nan});
  }
  /// Tokens [begin, end) of a prompt whose keys before `begin` are in the segment.
  void add_prompt(Segment* segment, std::int32_t begin, std::int32_t end) {
    prompt = true;
    for (std::int32_t i = begin; i < end; ++i) rows.push_back({segment, i + 1, segment, i, 0, random_qkv()});
  }
  /// Rows of one prefix, at most `most` a tile; dead rows go with any.
  std::vector<DeviceTile> tiles(const std::vector<std::int32_t>& chosen, std::int32_t most) const {
    std::vector<DeviceTile> made;
    const Row* living = nullptr;  // of the last tile
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const Row& row = rows[static_cast<std::size_t>(chosen[i])];
      const bool dead = row.write_to == nullptr;
      if (made.empty() || made.back().count == most || (!dead && living != nullptr && row.prefix != living->prefix)) {
        made.push_back({static_cast<std::int32_t>(i), 0});
        living = nullptr;
      }
      if (!dead) living = &row;
      ++made.back().count;
    }
    return made;
  }

  std::vector<std::int32_t> all() const {
    std::vector<std::int32_t> every;
    for (std::size_t i = 0; i < rows.size(); ++i) every.push_back(static_cast<std::int32_t>(i));
    return every;
  }
  /// Runs the chosen rows as one call; z [chosen, width] is returned, everything around it is checked. Segments keep
  /// what the call stored, in `host` too.
  std::vector<std::uint16_t> run(const std::string& what, const std::vector<std::int32_t>& chosen,
                                 std::int32_t tile_rows) {
    const auto count = static_cast<std::int32_t>(chosen.size());
    const std::int32_t qkv_stride = device_round_up(3 * width(), kDevicePad);
    const std::int32_t z_stride = device_round_up(width(), kDevicePad);
    std::vector<DeviceRow> device_rows;
    std::vector<std::uint16_t> qkv(static_cast<std::size_t>(count * qkv_stride), kPoison);
    std::int32_t splits = 1;
    for (std::int32_t i = 0; i < count; ++i) {
      const Row& row = rows[static_cast<std::size_t>(chosen[static_cast<std::size_t>(i)])];
      std::copy(row.qkv.begin(), row.qkv.end(), qkv.begin() + i * qkv_stride);
      DeviceRow made{};
      made.prefix_visible = row.prefix_visible;
      made.write_at = row.write_at;
      made.suffix_visible = row.suffix_visible;
      made.prefix = reinterpret_cast<const void*>(std::uintptr_t{16});
      if (row.write_to != nullptr) {
        made.live = 1;
        made.prefix = row.prefix == nullptr ? nullptr : row.prefix->device.data();
        made.prefix_capacity = row.prefix == nullptr ? 0 : row.prefix->capacity;
        made.write_to = row.write_to->device.data();
        made.write_capacity = row.write_to->capacity;
        splits = std::max(splits, (row.prefix_visible + kDeviceSplitKeys - 1) / kDeviceSplitKeys);
        for (std::int32_t head = 0; head < heads; ++head) {
          for (std::int32_t part = 0; part < 2; ++part) {
            std::uint16_t* const stored = row.write_to->at(head, part, row.write_at);
            std::fill_n(stored, row.write_to->dim, std::uint16_t{0});
            std::copy_n(row.qkv.begin() + (part + 1) * width() + head * head_width, head_width, stored);
          }
        }
      }
      device_rows.push_back(made);
    }
    const std::vector<DeviceTile> made_tiles = tiles(chosen, tile_rows);
    const OnDevice<DeviceRow> on_rows(device_rows);
    const OnDevice<DeviceTile> on_tiles(made_tiles);
    const OnDevice<std::uint16_t> on_qkv(qkv);
    const OnDevice<float> partial(static_cast<std::size_t>(count * heads * splits * (device_dim(head_width) + 2)));
    const OnDevice<std::uint16_t> z(static_cast<std::size_t>(count * z_stride));
    DeviceAttendArgs args{};
    args.rows = on_rows.data();
    args.count = count;
    args.tiles = on_tiles.data();
    args.tile_count = static_cast<std::int32_t>(made_tiles.size());
    args.splits = splits;
    args.shape = {kLayers, heads, head_width, DeviceType::bf16};
    args.layer = kLayer;
    args.scale = scale;
    args.qkv = on_qkv.data();
    args.qkv_stride = qkv_stride;
    args.partial = partial.data();
    args.z = z.data();
    args.z_stride = z_stride;
    args.prompt = prompt;
    EXPECT_RUNS(device_api().attend(device(), &args));
    EXPECT_GUARDS_INTACT(partial, what + " partial");
    EXPECT_GUARDS_INTACT(z, what + " z");
    for (const auto& segment : segments) {
      EXPECT_GUARDS_INTACT(segment->device, what + " segment");
      EXPECT(segment->device.values() == segment->host);
    }
    std::vector<std::uint16_t> result;
    const std::vector<std::uint16_t> padded = z.values();
    for (std::int32_t i = 0; i < count; ++i) {
      const auto begin = padded.begin() + i * z_stride;
      result.insert(result.end(), begin, begin + width());
      EXPECT(std::all_of(begin + width(), begin + z_stride, [](std::uint16_t value) { return value == 0; }));
      if (device_rows[static_cast<std::size_t>(i)].live == 0)
        EXPECT(std::all_of(begin, begin + width(), [](std::uint16_t value) { return value == 0; }));
    }
    return result;
  }

  /// z of one row and head in double, and how far from it the kernel may be. After the call: own keys are stored.
  void expected(const Row& row, std::int32_t head, double* want, double* tolerance) const {
    struct Key {
      const std::uint16_t *k, *v;
    };
    std::vector<Key> keys;
    for (std::int32_t i = 0; row.prefix != nullptr && i < row.prefix_visible; ++i)
      keys.push_back({row.prefix->at(head, 0, i), row.prefix->at(head, 1, i)});
    for (std::int32_t i = 0; i < row.suffix_visible; ++i)
      keys.push_back({row.write_to->at(head, 0, i), row.write_to->at(head, 1, i)});
    std::vector<double> scores;
    double largest = -std::numeric_limits<double>::infinity(), size = 0, sum = 0;
    for (const Key& key : keys) {
      double score = 0, magnitude = 0;
      for (std::int32_t c = 0; c < head_width; ++c) {
        const double product =
            double{bf16_float(row.qkv[static_cast<std::size_t>(head * head_width + c)])} * bf16_float(key.k[c]) * scale;
        score += product;
        magnitude += std::fabs(product);
      }
      scores.push_back(score);
      largest = std::max(largest, score);
      size = std::max(size, magnitude);
    }
    for (double& score : scores) sum += score = std::exp(score - largest);
    // Products are exact; each of head_width additions is off by at most 2 u of the magnitude (tensor cores truncate),
    // scaling, log2(e) and the difference to the maximum by a few u more. exp turns that absolute error into a relative
    // one, adds 2 ulp, and a state is rescaled whenever the maximum changes: at most once a chunk of 16 keys.
    const double of_score = (head_width + 8) * 2 * kUnit * size;
    const double of_sums = (static_cast<double>(keys.size()) * 2 + 32) * 2 * kUnit;
    // The result is rounded to bfloat16 (unit roundoff 2^-8), and so are all weights but that of the row's own key
    // before they meet the values.
    const double of_rounding = (row.prefix_visible > 0 || row.suffix_visible > 1 ? 2 : 1) * 0x1p-8;
    for (std::int32_t c = 0; c < head_width; ++c) {
      double value = 0, magnitude = 0;
      for (std::size_t i = 0; i < keys.size(); ++i) {
        value += scores[i] / sum * bf16_float(keys[i].v[c]);
        magnitude += scores[i] / sum * std::fabs(bf16_float(keys[i].v[c]));
      }
      want[c] = value;
      tolerance[c] = magnitude * 1.01 * (of_rounding + 2 * (of_score + of_sums)) + kSmallestNormal;
    }
  }
  /// Runs all rows and compares them with the oracle.
  std::vector<std::uint16_t> check(const std::string& what, std::int32_t tile_rows = kDeviceTileRows) {
    const std::vector<std::uint16_t> z = run(what, all(), tile_rows);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].write_to == nullptr) continue;
      std::vector<float> got;
      std::vector<double> want(static_cast<std::size_t>(width())), tolerance(want.size());
      for (std::int32_t c = 0; c < width(); ++c)
        got.push_back(bf16_float(z[i * static_cast<std::size_t>(width()) + static_cast<std::size_t>(c)]));
      for (std::int32_t head = 0; head < heads; ++head)
        expected(rows[i], head, want.data() + head * head_width, tolerance.data() + head * head_width);
      EXPECT_CLOSE(what + " row " + std::to_string(i), got.data(), want.data(), tolerance.data(), width(),
                   "2^-8 for each rounding to bfloat16, of sum w|v|");
    }
    return z;
  }
};

void expect_same_row(const std::string& what, const std::vector<std::uint16_t>& got, std::size_t got_row,
                     const std::vector<std::uint16_t>& want, std::size_t want_row, std::int32_t width) {
  const auto n = static_cast<std::ptrdiff_t>(width);
  const auto a = got.begin() + static_cast<std::ptrdiff_t>(got_row) * n;
  const auto b = want.begin() + static_cast<std::ptrdiff_t>(want_row) * n;
  if (!std::equal(a, a + n, b)) fail(__FILE__, __LINE__, what + " differs from the same row among others");
}

TEST(device_attend_bf16_every_head_width) {
  std::int32_t heads = 0;
  // 5, 20 and 24 leave a tail in the padded head; 5 and 20 are not whole 16 bytes in qkv.
  for (const std::int32_t head_width : {5, 8, 16, 20, 24, 40, 64, 80, 128}) {
    heads = heads % 3 + 1;
    Batch batch(heads, head_width);
    batch.add_group(65, {1, 33});
    batch.add_dead();
    batch.add_group(0, {2, 70});
    batch.check("head width " + std::to_string(head_width));
  }
}

TEST(device_attend_bf16_prefixes_around_chunks_and_splits) {
  Batch batch(1, 16);
  const std::vector<std::int32_t> suffixes = {1, 2, 31, 33, 70};
  std::size_t next = 0;
  for (const std::int32_t prefix : {1, 15, 64, 65, 200, 0, 256, 257, 300}) {
    std::vector<std::int32_t> some;
    for (int i = 0; i < 3; ++i) some.push_back(suffixes[next++ % suffixes.size()]);
    batch.add_group(prefix, some);
    if (prefix % 2 != 0) batch.add_dead();
  }
  batch.check("groups of every prefix");
}

TEST(device_attend_bf16_long_suffixes) {
  Batch batch(2, 64);
  batch.add_group(3, {127, 128, 129, 160, 161});
  batch.add_group(0, {300});
  batch.check("long suffixes");
}

/// So many rows and heads that each gets a warp instead of a block, on any device; the first few again as few.
TEST(device_attend_bf16_many_rows) {
  constexpr std::int32_t kHeads = 3, kTasksEach = 5;  // more than there are blocks' worth, per multiprocessor
  Batch batch(kHeads, 16);
  const std::int32_t rows = kTasksEach * device_context().info().multiprocessors / kHeads + 1;
  std::vector<std::int32_t> suffixes;
  for (std::int32_t i = 0; i < rows; ++i) suffixes.push_back(1 + i * 37 % 150);
  batch.add_group(40, suffixes);
  const std::vector<std::uint16_t> together = batch.check("many rows");
  for (std::int32_t i = 0; i < 3; ++i)
    expect_same_row("row " + std::to_string(i) + " alone", batch.run("alone", {i}, 1), 0, together,
                    static_cast<std::size_t>(i), batch.width());
}

TEST(device_attend_bf16_tiles_of_every_fill) {
  for (const std::int32_t rows : {1, 16, 17, 33, 64}) {
    Batch batch(1, 8);
    Segment* const shared = batch.segment(80, 70);
    for (std::int32_t i = 0; i < rows; ++i) {
      if (i % 16 == 7) {
        batch.add_dead();
      } else {
        batch.add_row(shared, 70, 3);
      }
    }
    batch.check("a tile of " + std::to_string(rows));
  }
  Batch batch(1, 8);
  for (int i = 0; i < 40; ++i) batch.add_dead();
  batch.add_group(70, {3, 3, 3});
  batch.check("a tile that begins with dead rows");
}

TEST(device_attend_bf16_prompts) {
  for (const std::int32_t head_width : {20, 64}) {
    Batch batch(2, head_width);
    batch.add_prompt(batch.segment(80, 0), 0, 70);
    batch.add_dead();
    batch.add_prompt(batch.segment(16, 0), 0, 5);
    batch.check("two prompts");
  }
  // The second part of a prompt, around the end of a split.
  Batch batch(2, 32);
  batch.add_prompt(batch.segment(288, 250), 250, 270);
  batch.check("the second part of a prompt");
}

TEST(device_attend_bf16_prompt_in_parts_is_the_same) {
  Batch batch(1, 32);
  batch.add_prompt(batch.segment(96, 0), 0, 90);
  const std::vector<std::uint16_t> whole = batch.check("a prompt in one call");
  // The segment still holds every key; what a row must not see, it must not notice either.
  std::vector<std::int32_t> first, second;
  for (std::int32_t i = 0; i < 90; ++i) (i < 37 ? first : second).push_back(i);
  const std::vector<std::uint16_t> a = batch.run("first part", first, kDeviceTileRows);
  const std::vector<std::uint16_t> b = batch.run("second part", second, 20);
  for (std::size_t i = 0; i < 90; ++i)
    expect_same_row("a prompt's row " + std::to_string(i), i < 37 ? a : b, i < 37 ? i : i - 37, whole, i, 32);
}

TEST(device_attend_bf16_rows_are_independent) {
  for (const std::int32_t head_width : {64, 40}) {
    Batch batch(2, head_width);
    batch.add_group(300, {1, 33, 70, 2, 64, 65, 9});
    batch.add_dead();
    batch.add_group(0, {40, 1});
    // One prefix, of which rows see different parts: down to nothing of a chunk and of a split.
    Segment* const shared = batch.segment(300, 290);
    for (const std::int32_t visible : {0, 290, 1, 63, 64, 65, 256, 257}) batch.add_row(shared, visible, 5);
    const std::vector<std::uint16_t> together = batch.check("together");
    const auto count = static_cast<std::int32_t>(batch.rows.size());
    for (std::int32_t i = 0; i < count; i += 3) {
      expect_same_row("row " + std::to_string(i) + " alone", batch.run("alone", {i}, 1), 0, together,
                      static_cast<std::size_t>(i), batch.width());
    }
    std::vector<std::int32_t> backwards;
    for (std::int32_t i = count; i-- > 0;) backwards.push_back(i);
    const std::vector<std::uint16_t> other = batch.run("backwards", backwards, 3);
    for (std::int32_t i = 0; i < count; ++i) {
      expect_same_row("row " + std::to_string(i) + " in another order", other, static_cast<std::size_t>(count - 1 - i),
                      together, static_cast<std::size_t>(i), batch.width());
    }
  }
}

TEST(device_attend_bf16_survives_large_scores) {
  Batch batch(1, 16);
  batch.scale = 300;
  batch.add_group(70, {1, 40, 33});
  const std::vector<std::uint16_t> z = batch.run("large scores", batch.all(), kDeviceTileRows);
  for (const std::uint16_t value : z) EXPECT(std::fabs(bf16_float(value)) <= 2);
}

}  // namespace
}  // namespace faultline::check
