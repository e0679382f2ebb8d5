// The register tile of a matrix product: kRows x kPanels accumulators walk down k over packed panels, one Product step
// at a time. One output is one chain, so the tile's size and the order of tiles cannot change a bit; they are chosen
// for speed alone.
//
// Order: a group of panels stays in the caches while all rows pass over it, so each weight is read from memory once per
// call.
#include "native/ops/cpu/gemm_finish.inl"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

/// A Product says what one step along k is:
///   kDepth                     values of k that a step takes
///   kRows, kPanels             the register tile
///   A, W                       elements of activations and weights as they stand in memory
///   a(args), stride(args)      the activations, and elements from one row of them to the next
///   panel_size(k)              elements from one panel of weights to the next
///   weights(const W*)          one step of 16 columns
///   broadcast(const A*)        one step of one row
///   start(args, row)           what a row's sums begin with, 16 lanes
///   step(x, weights, acc)      acc with the step in it
///   result(args, row, panel, acc)  the sums as floats

/// What products have in common whose sums are floats: `depth` values of k a step.
template <int depth>
struct FloatSums {
  static constexpr int kDepth = depth, kRows = kTileRows, kPanels = kTilePanels;
  static int64_t panel_size(int64_t k) { return (k + kDepth - 1) / kDepth * kDepth * kLanes; }
  static F16 start(const GemmArgs&, int64_t) { return set1(0.0f); }
  static F16 result(const GemmArgs&, int64_t, int64_t, F16 acc) { return acc; }
};

/// Rows [row, row + kRows) of panels [panel, panel + kPanels). The kAhead panels that start at `ahead` are fetched into
/// the cache along the way, a step of each per step: they are the next ones, and memory would otherwise be waited for
/// with idle multipliers.
template <int kRows, int kPanels, int kAhead, class Product>
inline void tile(const GemmArgs& args, int64_t row, int64_t panel, const typename Product::W* ahead) {
  using A = typename Product::A;
  using W = typename Product::W;
  constexpr int64_t kStep = kLanes * Product::kDepth;  // elements of a panel
  const int64_t steps = (args.w.k + Product::kDepth - 1) / Product::kDepth, stride = Product::stride(args);
  const int64_t panel_size = Product::panel_size(args.w.k);
  const A* a = Product::a(args) + row * stride;
  const W* w = (const W*)args.w.data + panel * panel_size;
  decltype(Product::start(args, row)) acc[kRows][kPanels];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) acc[r][p] = Product::start(args, row + r);
  }
  for (int64_t i = 0; i < steps; ++i) {
    typename Product::Weights weights[kPanels];
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) {
      weights[p] = Product::weights(w + p * panel_size + i * kStep);
      if (p < kAhead) prefetch(ahead + p * panel_size + i * kStep);
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
    for (int p = 0; p < kPanels; ++p) {
      finish(args, row + r, (panel + p) * kLanes, Product::result(args, row + r, panel + p, acc[r][p]));
    }
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
  return (const typename Product::W*)args.w.data + next * Product::panel_size(args.w.k);
}

/// All rows over one group of panels. The rows are dealt out evenly (8 rows are 4 + 4, not 6 + 2): a tile of few rows
/// has too few chains to fill the multipliers.
template <int kPanels, class Product>
inline void panel_group(const GemmArgs& args, int64_t panel) {
  const typename Product::W* ahead = next_group<kPanels, Product>(args, panel);
  constexpr int kMost = Product::kRows;
  const int64_t tiles = (args.m + kMost - 1) / kMost, share = args.m / tiles, extra = args.m % tiles;
  if (tiles == 1) return tile_of<kMost, kPanels, kPanels, Product>(args.m, args, 0, panel, ahead);
  // The fetching is spread over as many tiles as there are panels: with two tiles that is all the time there is.
  const int64_t next_panel = Product::panel_size(args.w.k);
  int64_t row = 0;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t rows = share + (t < extra ? 1 : 0);
    if (t < kPanels) {
      tile_of<kMost, kPanels, 1, Product>(rows, args, row, panel, ahead + t * next_panel);
    } else {
      tile_of<kMost, kPanels, 0, Product>(rows, args, row, panel, nullptr);
    }
    row += rows;
  }
}

/// A few rows alone would leave the multipliers idle between dependent steps: take several panels side by side instead.
template <int kRows, class Product>
inline void few_rows(const GemmArgs& args) {
  if constexpr (kRows > 0) {
    if (args.m != kRows) return few_rows<kRows - 1, Product>(args);
    constexpr int kFit = Product::kRows * Product::kPanels / kRows;
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
  if (args.m < Product::kRows) return few_rows<Product::kRows - 1, Product>(args);
  constexpr int kPanels = Product::kPanels;
  int64_t panel = args.panel_begin;
  for (; panel + kPanels <= args.panel_end; panel += kPanels) panel_group<kPanels, Product>(args, panel);
  for (; panel < args.panel_end; ++panel) panel_group<1, Product>(args, panel);
}

}  // namespace
}  // namespace faultline::ops::FAULTLINE_VEC
