// gemm_bf16 of the family amx, and gemm_int8, see ops.h: 32 or 64 values of k a step, over Tiles (tiles_<isa>.h). Tiles
// 0 to 3 are the sums of two blocks of 16 rows by two panels, 4 and 5 the rows' activations, 6 and 7 the panels'
// weights: with four loads for four products the multipliers do not wait.
//
// Order: as in gemm_blocks.inl, two panels stay in the caches while all rows pass over them.
#include "native/ops/cpu/gemm_finish.inl"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

constexpr int64_t kTileBytes = 64 * 16;
/// Bytes from one word to the next in a panel. A word holds two or four values of k, and a step takes kStepWords.
constexpr int64_t kWordBytes = 4 * kLanes;
constexpr int64_t kStepWords = 16;
constexpr int64_t kStepBytes = 4 * kStepWords;  // of a row

/// A TileProduct says what is in the tiles:
///   words(k)                    words of one column
///   panel_bytes(k)              from one panel of weights to the next
///   a(args)                     the activations; rows are whole steps
///   dot<C, A, B>(tiles)         one step's product
///   result(args, row, panel, sums)  one row of 16 sums, as they come out of a tile, as floats

struct PairTiles {
  static int64_t words(int64_t k) { return (k + 1) / 2; }
  static int64_t panel_bytes(int64_t k) { return words(k) * kWordBytes; }
  static const char* a(const GemmArgs& args) { return (const char*)args.a_bf16; }
  template <int kC, int kA, int kB>
  static void dot(Tiles& tiles) {
    tiles.dot<kC, kA, kB>();
  }
  static F16 result(const GemmArgs&, int64_t, int64_t, const float* sums) { return load(sums); }
};

struct ByteTiles {
  static int64_t words(int64_t k) { return (k + 3) / 4; }
  static int64_t panel_bytes(int64_t k) { return words(k) * kWordBytes + (int64_t)sizeof(float) * kLanes; }
  static const char* a(const GemmArgs& args) { return (const char*)args.a_int8; }
  template <int kC, int kA, int kB>
  static void dot(Tiles& tiles) {
    tiles.dot_bytes<kC, kA, kB>();
  }
  static F16 result(const GemmArgs& args, int64_t row, int64_t panel, const float* sums) {
    const char* panel_end = (const char*)args.w.data + (panel + 1) * panel_bytes(args.w.k);
    return scaled(as_int(load(sums)), args.a_rows[row].scale, (const float*)panel_end - kLanes);
  }
};

/// The step of panels [panel, panel + kPanels) that k ends within, zero-filled: a panel ends with its last word.
template <int kPanels>
struct LastStep {
  alignas(64) char bytes[kPanels][kTileBytes];
};

/// What stays the same for all rows over a group of panels.
struct Group {
  const char* weights;  // of the first panel
  int64_t panel_bytes;
  int64_t whole_steps;  // of kStepWords words
  const char* last[2];  // the step after them for each panel, or null where there is none
  const char* ahead;    // where the next group's weights start, to be fetched along the way
  int64_t ahead_lines;  // of 64 bytes
  int64_t step_lines;   // of them for each step of each block: the same for all, so that memory is never waited for
};

template <class Product, int kRowTiles, int kPanels>
inline void load_and_multiply(Tiles& tiles, const char* a, int64_t stride, const char* w0, const char* w1) {
  tiles.load<4>(a, stride);
  if constexpr (kRowTiles == 2) tiles.load<5>(a + kTileHeight * stride, stride);
  tiles.load<6>(w0, kWordBytes);
  if constexpr (kPanels == 2) tiles.load<7>(w1, kWordBytes);
  Product::template dot<0, 4, 6>(tiles);
  if constexpr (kPanels == 2) Product::template dot<1, 4, 7>(tiles);
  if constexpr (kRowTiles == 2) Product::template dot<2, 5, 6>(tiles);
  if constexpr (kRowTiles == 2 && kPanels == 2) Product::template dot<3, 5, 7>(tiles);
}

template <class Product, int kTile>
inline void finish_tile(const Tiles& tiles, const GemmArgs& args, int64_t row, int64_t panel) {
  alignas(64) float sums[kTileHeight][kLanes];
  tiles.store<kTile>(sums, sizeof sums[0]);
  const int64_t rows = args.m - row < kTileHeight ? args.m - row : kTileHeight;
  for (int64_t r = 0; r < rows; ++r) {
    finish(args, row + r, panel * kLanes, Product::result(args, row + r, panel, sums[r]));
  }
}

/// The block of rows that comes `index`th: kRowTiles times 16 rows from `row` on, panels [panel, panel + kPanels).
template <class Product, int kRowTiles, int kPanels>
inline void tile_block(Tiles& tiles, const GemmArgs& args, const Group& group, int64_t index, int64_t row,
                       int64_t panel) {
  const int64_t stride = (Product::words(args.w.k) + kStepWords - 1) / kStepWords * kStepBytes;
  const char* a = Product::a(args) + row * stride;
  tiles.zero<0>();
  if constexpr (kPanels == 2) tiles.zero<1>();
  if constexpr (kRowTiles == 2) tiles.zero<2>();
  if constexpr (kRowTiles == 2 && kPanels == 2) tiles.zero<3>();
  for (int64_t s = 0; s < group.whole_steps; ++s) {
    const int64_t first = (index * group.whole_steps + s) * group.step_lines;
    for (int64_t line = first; line < first + group.step_lines && line < group.ahead_lines; ++line) {
      prefetch(group.ahead + 64 * line);
    }
    const char* w = group.weights + s * kTileBytes;
    load_and_multiply<Product, kRowTiles, kPanels>(tiles, a + s * kStepBytes, stride, w,
                                                   kPanels == 2 ? w + group.panel_bytes : nullptr);
  }
  if (group.last[0] != nullptr) {
    load_and_multiply<Product, kRowTiles, kPanels>(tiles, a + group.whole_steps * kStepBytes, stride, group.last[0],
                                                   group.last[1]);
  }
  finish_tile<Product, 0>(tiles, args, row, panel);
  if constexpr (kPanels == 2) finish_tile<Product, 1>(tiles, args, row, panel + 1);
  if constexpr (kRowTiles == 2) finish_tile<Product, 2>(tiles, args, row + kTileHeight, panel);
  if constexpr (kRowTiles == 2 && kPanels == 2) finish_tile<Product, 3>(tiles, args, row + kTileHeight, panel + 1);
}

/// All rows over panels [panel, panel + kPanels).
template <class Product, int kPanels>
inline void tile_group(Tiles& tiles, const GemmArgs& args, int64_t panel) {
  const int64_t words = Product::words(args.w.k), rest = words % kStepWords;
  const int64_t panel_bytes = Product::panel_bytes(args.w.k);
  const char* weights = (const char*)args.w.data + panel * panel_bytes;
  const int64_t next = args.panel_end - (panel + kPanels) < kPanels ? 0 : kPanels;  // panels to fetch ahead
  const int64_t tiles_high = (args.m + kTileHeight - 1) / kTileHeight, blocks = (tiles_high + 1) / 2;
  Group group = {weights,
                 panel_bytes,
                 words / kStepWords,
                 {nullptr, nullptr},
                 weights + kPanels * panel_bytes,
                 next * panel_bytes / 64,
                 (16 * kPanels + blocks - 1) / blocks};
  LastStep<kPanels> last;
  if (rest != 0) {
    __builtin_memset(&last, 0, sizeof last);
    for (int p = 0; p < kPanels; ++p) {
      const char* from = weights + p * panel_bytes + group.whole_steps * kTileBytes;
      __builtin_memcpy(last.bytes[p], from, (uint64_t)(rest * kWordBytes));
      group.last[p] = last.bytes[p];
    }
  }
  int64_t block = 0;
  for (; 2 * block + 2 <= tiles_high; ++block)
    tile_block<Product, 2, kPanels>(tiles, args, group, block, 2 * block * kTileHeight, panel);
  if (block < blocks) tile_block<Product, 1, kPanels>(tiles, args, group, block, 2 * block * kTileHeight, panel);
}

template <class Product>
inline void run_tiles(const GemmArgs& args) {
  if (args.m <= 0 || args.panel_begin >= args.panel_end) return;
  Tiles tiles;
  int64_t panel = args.panel_begin;
  for (; panel + 2 <= args.panel_end; panel += 2) tile_group<Product, 2>(tiles, args, panel);
  if (panel < args.panel_end) tile_group<Product, 1>(tiles, args, panel);
}

}  // namespace

void gemm_tiles(const GemmArgs& args) { run_tiles<PairTiles>(args); }

void gemm_byte_tiles(const GemmArgs& args) { run_tiles<ByteTiles>(args); }

}  // namespace faultline::ops::FAULTLINE_VEC
