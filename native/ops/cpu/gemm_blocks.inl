// The register tile of a matrix product: kTileRows x kTilePanels accumulators walk down k over packed panels, one
// Product step at a time. One output is one chain, so the tile's size and the order of tiles cannot change a bit; they
// are chosen for speed alone.
//
// Order: a group of panels stays in the caches while all rows pass over it, so each weight is read from memory once per
// call.
#include "native/ops/cpu/gemm_finish.inl"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

/// A Product says what one step along k is:
///   kDepth                     values of k that a step takes
///   A, W                       elements of activations and weights as they stand in memory
///   a(args), stride(args)      the activations, and elements from one row of them to the next
///   weights(const W*)          one step of 16 columns
///   broadcast(const A*)        one step of one row
///   step(x, weights, acc)      acc with the step in it, 16 lanes

template <class Product>
inline int64_t panel_steps(const GemmArgs& args) {
  return (args.w.k + Product::kDepth - 1) / Product::kDepth;
}

/// Rows [row, row + kRows) of panels [panel, panel + kPanels). The kAhead panels that start at `ahead` are fetched into
/// the cache along the way, a step of each per step: they are the next ones, and memory would otherwise be waited for
/// with idle multipliers.
template <int kRows, int kPanels, int kAhead, class Product>
inline void tile(const GemmArgs& args, int64_t row, int64_t panel, const typename Product::W* ahead) {
  using A = typename Product::A;
  using W = typename Product::W;
  constexpr int64_t kStep = kLanes * Product::kDepth;  // elements of a panel
  const int64_t steps = panel_steps<Product>(args), stride = Product::stride(args);
  const A* a = Product::a(args) + row * stride;
  const W* w = (const W*)args.w.data + panel * steps * kStep;
  F16 acc[kRows][kPanels];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) acc[r][p] = set1(0.0f);
  }
  for (int64_t i = 0; i < steps; ++i) {
    typename Product::Weights weights[kPanels];
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) {
      weights[p] = Product::weights(w + (p * steps + i) * kStep);
      if (p < kAhead) prefetch(ahead + (p * steps + i) * kStep);
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const auto x = Product::broadcast(a + r * stride + i * Product::kDepth);
#pragma GCC unroll 16
      for (int p = 0; p < kPanels; ++p) acc[r][p] = Product::step(x, weights[p], acc[r][p]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) finish(args, row + r, (panel + p) * kLanes, acc[r][p]);
  }
}

/// tile with a number of rows known at run time, 1 to kRows.
template <int kRows, int kPanels, int kAhead, class Product>
inline void tile_of(int64_t rows, const GemmArgs& args, int64_t row, int64_t panel, const typename Product::W* ahead) {
  if constexpr (kRows > 0) {
    if (rows == kRows) {
      tile<kRows, kPanels, kAhead, Product>(args, row, panel, ahead);
    } else {
      tile_of<kRows - 1, kPanels, kAhead, Product>(rows, args, row, panel, ahead);
    }
  }
}

/// Where the group after [panel, panel + kPanels) starts; the group itself at the end, so that nothing past the matrix
/// is named.
template <int kPanels, class Product>
inline const typename Product::W* next_group(const GemmArgs& args, int64_t panel) {
  const int64_t next = panel + 2 * kPanels <= args.panel_end ? panel + kPanels : panel;
  const int64_t steps = panel_steps<Product>(args);
  return (const typename Product::W*)args.w.data + next * steps * kLanes * Product::kDepth;
}

/// All rows over one group of panels. The rows are dealt out evenly (8 rows are 4 + 4, not 6 + 2): a tile of few rows
/// has too few chains to fill the multipliers.
template <int kPanels, class Product>
inline void panel_group(const GemmArgs& args, int64_t panel) {
  const typename Product::W* ahead = next_group<kPanels, Product>(args, panel);
  const int64_t tiles = (args.m + kTileRows - 1) / kTileRows, share = args.m / tiles, extra = args.m % tiles;
  // Fewer than kTileRows rows are few_rows', so a single tile is a whole one.
  if (tiles == 1) return tile<kTileRows, kPanels, kPanels, Product>(args, 0, panel, ahead);
  // The fetching is spread over as many tiles as there are panels: with two tiles that is all the time there is.
  const int64_t next_panel = panel_steps<Product>(args) * kLanes * Product::kDepth;
  int64_t row = 0;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t rows = share + (t < extra ? 1 : 0);
    if (t < kPanels) {
      tile_of<kTileRows, kPanels, 1, Product>(rows, args, row, panel, ahead + t * next_panel);
    } else {
      tile_of<kTileRows, kPanels, 0, Product>(rows, args, row, panel, nullptr);
    }
    row += rows;
  }
}

/// A few rows alone would leave the multipliers idle between dependent steps: take several panels side by side instead.
template <int kRows, class Product>
inline void few_rows(const GemmArgs& args) {
  if constexpr (kRows > 0) {
    if (args.m != kRows) return few_rows<kRows - 1, Product>(args);
    constexpr int kFit = kTileRows * kTilePanels / kRows;
    constexpr int kPanels = kFit > 4 ? 4 : kFit;
    int64_t panel = args.panel_begin;
    for (; panel + kPanels <= args.panel_end; panel += kPanels) {
      tile<kRows, kPanels, kPanels, Product>(args, 0, panel, next_group<kPanels, Product>(args, panel));
    }
    for (; panel < args.panel_end; ++panel) tile<kRows, 1, 0, Product>(args, 0, panel, nullptr);
  }
}

template <class Product>
inline void run(const GemmArgs& args) {
  if (args.m < kTileRows) return few_rows<kTileRows - 1, Product>(args);
  int64_t panel = args.panel_begin;
  for (; panel + kTilePanels <= args.panel_end; panel += kTilePanels) panel_group<kTilePanels, Product>(args, panel);
  for (; panel < args.panel_end; ++panel) panel_group<1, Product>(args, panel);
}

}  // namespace
}  // namespace faultline::ops::FAULTLINE_VEC
