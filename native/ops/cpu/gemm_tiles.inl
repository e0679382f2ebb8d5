// gemm_bf16 of the family amx, see ops.h: 32 values of k a step, over Tiles (tiles_<isa>.h). Tiles 0 to 3 are the sums
// of two blocks of 16 rows by two panels, 4 and 5 the rows' activations, 6 and 7 the panels' weights: with four loads
// for four products the multipliers do not wait.
//
// Order: as in gemm_blocks.inl, two panels stay in the caches while all rows pass over them.
#include "native/ops/cpu/gemm_finish.inl"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

constexpr int64_t kTileBytes = 64 * 16;
/// Bytes from one pair of k to the next in a panel.
constexpr int64_t kPairBytes = 4 * kLanes;

/// The step of panels [panel, panel + kPanels) that k ends within, zero-filled: a panel ends with its last pair.
template <int kPanels>
struct LastStep {
  alignas(64) char bytes[kPanels][kTileBytes];
};

/// What stays the same for all rows over a group of panels.
struct Group {
  const char* weights;  // of the first panel
  int64_t panel_bytes;
  int64_t whole_steps;  // of kDepthStep values of k
  const char* last[2];  // the step after them for each panel, or null where there is none
  const char* ahead;    // where the next group's weights start, to be fetched along the way
  int64_t ahead_lines;  // of 64 bytes
  int64_t step_lines;   // of them for each step of each block: the same for all, so that memory is never waited for
};

template <int kRowTiles, int kPanels>
inline void load_and_multiply(Tiles& tiles, const uint16_t* a, int64_t stride, const char* w0, const char* w1) {
  tiles.load<4>(a, 2 * stride);
  if constexpr (kRowTiles == 2) tiles.load<5>(a + kTileHeight * stride, 2 * stride);
  tiles.load<6>(w0, kPairBytes);
  if constexpr (kPanels == 2) tiles.load<7>(w1, kPairBytes);
  tiles.dot<0, 4, 6>();
  if constexpr (kPanels == 2) tiles.dot<1, 4, 7>();
  if constexpr (kRowTiles == 2) tiles.dot<2, 5, 6>();
  if constexpr (kRowTiles == 2 && kPanels == 2) tiles.dot<3, 5, 7>();
}

template <int kTile>
inline void finish_tile(const Tiles& tiles, const GemmArgs& args, int64_t row, int64_t panel) {
  alignas(64) float sums[kTileHeight][kLanes];
  tiles.store<kTile>(sums, sizeof sums[0]);
  const int64_t rows = args.m - row < kTileHeight ? args.m - row : kTileHeight;
  for (int64_t r = 0; r < rows; ++r) finish(args, row + r, panel * kLanes, load(sums[r]));
}

/// The block of rows that comes `index`th: kRowTiles times 16 rows from `row` on, panels [panel, panel + kPanels).
template <int kRowTiles, int kPanels>
inline void tile_block(Tiles& tiles, const GemmArgs& args, const Group& group, int64_t index, int64_t row,
                       int64_t panel) {
  const int64_t stride = (args.w.k + kDepthStep - 1) / kDepthStep * kDepthStep;
  const uint16_t* a = args.a_bf16 + row * stride;
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
    load_and_multiply<kRowTiles, kPanels>(tiles, a + s * kDepthStep, stride, w,
                                          kPanels == 2 ? w + group.panel_bytes : nullptr);
  }
  if (group.last[0] != nullptr) {
    load_and_multiply<kRowTiles, kPanels>(tiles, a + group.whole_steps * kDepthStep, stride, group.last[0],
                                          group.last[1]);
  }
  finish_tile<0>(tiles, args, row, panel);
  if constexpr (kPanels == 2) finish_tile<1>(tiles, args, row, panel + 1);
  if constexpr (kRowTiles == 2) finish_tile<2>(tiles, args, row + kTileHeight, panel);
  if constexpr (kRowTiles == 2 && kPanels == 2) finish_tile<3>(tiles, args, row + kTileHeight, panel + 1);
}

/// All rows over panels [panel, panel + kPanels).
template <int kPanels>
inline void tile_group(Tiles& tiles, const GemmArgs& args, int64_t panel) {
  const int64_t pairs = (args.w.k + 1) / 2, rest = pairs % (kDepthStep / 2);
  const int64_t panel_bytes = pairs * kPairBytes;
  const char* weights = (const char*)args.w.data + panel * panel_bytes;
  const int64_t next = args.panel_end - (panel + kPanels) < kPanels ? 0 : kPanels;  // panels to fetch ahead
  const int64_t tiles_high = (args.m + kTileHeight - 1) / kTileHeight, blocks = (tiles_high + 1) / 2;
  Group group = {weights,
                 panel_bytes,
                 pairs / (kDepthStep / 2),
                 {nullptr, nullptr},
                 weights + kPanels * panel_bytes,
                 next * panel_bytes / 64,
                 (16 * kPanels + blocks - 1) / blocks};
  LastStep<kPanels> last;
  if (rest != 0) {
    __builtin_memset(&last, 0, sizeof last);
    for (int p = 0; p < kPanels; ++p) {
      const char* from = weights + p * panel_bytes + group.whole_steps * kTileBytes;
      __builtin_memcpy(last.bytes[p], from, (uint64_t)(rest * kPairBytes));
      group.last[p] = last.bytes[p];
    }
  }
  int64_t block = 0;
  for (; 2 * block + 2 <= tiles_high; ++block)
    tile_block<2, kPanels>(tiles, args, group, block, 2 * block * kTileHeight, panel);
  if (block < blocks) tile_block<1, kPanels>(tiles, args, group, block, 2 * block * kTileHeight, panel);
}

}  // namespace

void gemm_tiles(const GemmArgs& args) {
  if (args.m <= 0 || args.panel_begin >= args.panel_end) return;
  Tiles tiles;
  int64_t panel = args.panel_begin;
  for (; panel + 2 <= args.panel_end; panel += 2) tile_group<2>(tiles, args, panel);
  if (panel < args.panel_end) tile_group<1>(tiles, args, panel);
}

}  // namespace faultline::ops::FAULTLINE_VEC
