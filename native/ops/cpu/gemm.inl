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

template <int kRows, int kPanels, class W>
inline void tile(const GemmArgs& args, int64_t row, int64_t panel) {
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
    for (int p = 0; p < kPanels; ++p) weights[p] = load_weights(w + (p * k + i) * kLanes);
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

/// The last `rows` rows, fewer than a full tile.
template <int kRows, int kPanels, class W>
inline void last_rows(const GemmArgs& args, int64_t row, int64_t rows, int64_t panel) {
  if constexpr (kRows > 0) {
    if (rows == kRows) {
      tile<kRows, kPanels, W>(args, row, panel);
    } else {
      last_rows<kRows - 1, kPanels, W>(args, row, rows, panel);
    }
  }
}

template <int kPanels, class W>
inline void panel_group(const GemmArgs& args, int64_t panel) {
  int64_t row = 0;
  for (; row + kTileRows <= args.m; row += kTileRows) tile<kTileRows, kPanels, W>(args, row, panel);
  last_rows<kTileRows - 1, kPanels, W>(args, row, args.m - row, panel);
}

/// A few rows alone would leave the multipliers idle between dependent steps: take several panels side by side instead.
template <int kRows, class W>
inline void few_rows(const GemmArgs& args) {
  if constexpr (kRows > 0) {
    if (args.m != kRows) return few_rows<kRows - 1, W>(args);
    constexpr int kFit = kTileRows * kTilePanels / kRows;
    constexpr int kPanels = kFit > 4 ? 4 : kFit;
    int64_t panel = args.panel_begin;
    for (; panel + kPanels <= args.panel_end; panel += kPanels) tile<kRows, kPanels, W>(args, 0, panel);
    for (; panel < args.panel_end; ++panel) tile<kRows, 1, W>(args, 0, panel);
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
