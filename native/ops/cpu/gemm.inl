// gemm, see ops.h: a register tile of kTileRows x kTilePanels accumulators walks down k over packed panels. One output
// is one chain, so the tile's size and the order of tiles cannot change a bit; they are chosen for speed alone.
//
// Order: a group of panels stays in the caches while all rows pass over it, so each weight is read from memory once per
// call.
#include "native/ops/cpu/math.inl"
#include "native/ops/ops.h"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

inline F16 load_weights(const float* p) { return load(p); }
inline F16 load_weights(const uint16_t* p) { return load_bf16(p); }

/// Bias, activation or residual for one row of one panel, then the store.
inline void finish(const GemmArgs& args, int64_t row, int64_t column, F16 value) {
  const int64_t n = args.w.n;
  if (args.bias != nullptr) value = add(value, load_tail(args.bias, column, n, 0.0f));
  switch (args.epilogue) {
    case Epilogue::none:
      break;
    case Epilogue::gelu:
      value = gelu16(value);
      break;
    case Epilogue::residual:
      value = add(value, load_tail(args.residual + row * args.ldr, column, n, 0.0f));
      break;
  }
  store_tail(args.out + row * args.ldo, column, n, value);
}

/// Rows [row, row + kRows) of panels [panel, panel + kPanels). When `ahead` is given, the panels that start there are
/// fetched into the cache along the way, one line per step: they are the next ones, and memory would otherwise be
/// waited for with idle multipliers.
template <int kRows, int kPanels, bool kAhead, class W>
inline void tile(const GemmArgs& args, int64_t row, int64_t panel, const W* ahead) {
  const int64_t k = args.w.k, lda = args.lda;
  const float* a = args.a + row * lda;
  const W* w = (const W*)args.w.data + panel * k * kLanes;
  F16 acc[kRows][kPanels];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) acc[r][p] = set1(0.0f);
  }
  for (int64_t i = 0; i < k; ++i) {
    F16 weights[kPanels];
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) {
      weights[p] = load_weights(w + (p * k + i) * kLanes);
      if constexpr (kAhead) prefetch(ahead + (p * k + i) * kLanes);
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const F16 x = set1(a[r * lda + i]);
#pragma GCC unroll 16
      for (int p = 0; p < kPanels; ++p) acc[r][p] = fma(x, weights[p], acc[r][p]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) finish(args, row + r, (panel + p) * kLanes, acc[r][p]);
  }
}

/// tile with a number of rows known at run time, 1 to kRows.
template <int kRows, int kPanels, bool kAhead, class W>
inline void tile_of(int64_t rows, const GemmArgs& args, int64_t row, int64_t panel, const W* ahead) {
  if constexpr (kRows > 0) {
    if (rows == kRows) {
      tile<kRows, kPanels, kAhead, W>(args, row, panel, ahead);
    } else {
      tile_of<kRows - 1, kPanels, kAhead, W>(rows, args, row, panel, ahead);
    }
  }
}

/// Where the group after [panel, panel + kPanels) starts; the group itself at the end, so that nothing past the matrix
/// is named.
template <int kPanels, class W>
inline const W* next_group(const GemmArgs& args, int64_t panel) {
  const int64_t next = panel + 2 * kPanels <= args.panel_end ? panel + kPanels : panel;
  return (const W*)args.w.data + next * args.w.k * kLanes;
}

/// All rows over one group of panels. The rows are dealt out evenly (8 rows are 4 + 4, not 6 + 2): a tile of few rows
/// has too few chains to fill the multipliers.
template <int kPanels, class W>
inline void panel_group(const GemmArgs& args, int64_t panel) {
  const W* ahead = next_group<kPanels, W>(args, panel);
  const int64_t tiles = (args.m + kTileRows - 1) / kTileRows, share = args.m / tiles, extra = args.m % tiles;
  int64_t row = 0;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t rows = share + (t < extra ? 1 : 0);
    if (t == 0) {
      tile_of<kTileRows, kPanels, true, W>(rows, args, row, panel, ahead);
    } else {
      tile_of<kTileRows, kPanels, false, W>(rows, args, row, panel, ahead);
    }
    row += rows;
  }
}

/// A few rows alone would leave the multipliers idle between dependent steps: take several panels side by side instead.
template <int kRows, class W>
inline void few_rows(const GemmArgs& args) {
  if constexpr (kRows > 0) {
    if (args.m != kRows) return few_rows<kRows - 1, W>(args);
    constexpr int kFit = kTileRows * kTilePanels / kRows;
    constexpr int kPanels = kFit > 4 ? 4 : kFit;
    int64_t panel = args.panel_begin;
    for (; panel + kPanels <= args.panel_end; panel += kPanels) {
      tile<kRows, kPanels, true, W>(args, 0, panel, next_group<kPanels, W>(args, panel));
    }
    for (; panel < args.panel_end; ++panel) tile<kRows, 1, false, W>(args, 0, panel, nullptr);
  }
}

template <class W>
inline void run(const GemmArgs& args) {
  if (args.m < kTileRows) return few_rows<kTileRows - 1, W>(args);
  int64_t panel = args.panel_begin;
  for (; panel + kTilePanels <= args.panel_end; panel += kTilePanels) panel_group<kTilePanels, W>(args, panel);
  for (; panel < args.panel_end; ++panel) panel_group<1, W>(args, panel);
}

}  // namespace

void gemm(const GemmArgs& args) {
  if (args.w.type == WeightType::f32) {
    run<float>(args);
  } else {
    run<uint16_t>(args);
  }
}

}  // namespace faultline::ops::FAULTLINE_VEC
