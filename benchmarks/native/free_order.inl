// Products of the kernels (native/ops/cpu/gemm_blocks.inl) with several chains along k instead of one. Include after
// the kernel's source, which brings vector and Products; the rules of native/ops/cpu/README.md apply here too.
#include "benchmarks/native/free_order.h"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

/// An element of weights, by a name that says how many cache lines one step takes.
template <class Base, int chains>
struct Element {
  typename Base::W value;
};

/// All lines of one step: gemm_blocks.inl fetches ahead step by step.
template <class Base, int chains>
inline void prefetch(const Element<Base, chains>* p) {
#pragma GCC unroll 16
  for (int c = 0; c < chains; ++c) prefetch((const void*)(p + c * Base::kDepth * kLanes));
}

/// A Product (gemm_blocks.inl): `chains` of Base's side by side in one step, in a register tile of rows x panels.
template <class Base, int rows, int panels, int chains>
struct Chains : Base {
  static constexpr int kDepth = Base::kDepth * chains, kRows = rows, kPanels = panels;
  using W = Element<Base, chains>;
  struct Weights {
    typename Base::Weights of[chains];
  };
  struct Sums {
    F16 of[chains];
  };
  /// A step of a row is read chain by chain, so that the broadcast can stay inside the multiply-add.
  using Row = const typename Base::A*;

  static Sums start(const GemmArgs&, int64_t) {
    Sums sums;
#pragma GCC unroll 16
    for (int c = 0; c < chains; ++c) sums.of[c] = set1(0.0f);
    return sums;
  }
  static Weights weights(const W* p) {
    Weights weights;
#pragma GCC unroll 16
    for (int c = 0; c < chains; ++c) weights.of[c] = Base::weights(&p[c * Base::kDepth * kLanes].value);
    return weights;
  }
  static Row broadcast(Row p) { return p; }
  static Sums step(Row x, const Weights& w, Sums sums) {
#pragma GCC unroll 16
    for (int c = 0; c < chains; ++c)
      sums.of[c] = Base::step(Base::broadcast(x + c * Base::kDepth), w.of[c], sums.of[c]);
    return sums;
  }
  static F16 result(const GemmArgs&, int64_t, int64_t, Sums sums) {
#pragma GCC unroll 16
    for (int half = chains / 2; half > 0; half /= 2) {
#pragma GCC unroll 16
      for (int c = 0; c < half; ++c) sums.of[c] = add(sums.of[c], sums.of[c + half]);
    }
    return sums.of[0];
  }
};

template <class Base, int rows, int panels, int chains>
constexpr bench::FreeOrder free_order() {
  return {rows, panels, chains, [](const GemmArgs& args) { run<Chains<Base, rows, panels, chains>>(args); }};
}

}  // namespace
}  // namespace faultline::ops::FAULTLINE_VEC
