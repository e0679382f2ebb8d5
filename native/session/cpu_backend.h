// A model in host memory, computed by the kernels of ops.h on a pool of threads.
#pragma once

#include "native/model/gpt2_forward.h"
#include "native/ops/registry.h"
#include "native/session/backend.h"

namespace faultline::session {

/// Rows whose logits are there at the same time, at most: a step unembeds and draws so many rows, then the next ones,
/// so that logits cost what these need, whatever the batch (103 MB for 512 of GPT-2 otherwise). The unembedding is then
/// read once for every block, which its matrix product does not notice in blocks of 64 rows; in int8 it is faster in
/// blocks of 16 by VPDPBUSD, and no slower by VPMADDWD; AMX was not there to be measured. Samples are the same to the
/// bit. What other sizes cost: benchmarks/README.md.
constexpr std::int32_t head_rows(ops::WeightType weights) { return weights == ops::WeightType::int8 ? 16 : 64; }

/// What a model of that shape costs in host memory.
class CpuFootprint final : public Footprint {
 public:
  CpuFootprint(const model::ModelConfig& config, ops::WeightType weights) : config_(config), weights_(weights) {}
  std::size_t activation_bytes(std::int32_t rows, std::int32_t logit_rows) const override;
  std::size_t segment_bytes(std::int32_t tokens) const override;
  std::size_t prompt_bytes(std::int32_t tokens, std::size_t heal_bytes) const override;
  std::int32_t prefill_rows() const override;

 private:
  model::ModelConfig config_;
  ops::WeightType weights_;
};

/// The name of what computes results with such weights, recorded with every experiment: "fma" for float32, "int8-2" for
/// int8, and the family of this process's product for bfloat16, such as "dpbf16-2". The number is another one whenever
/// other bits come out of the same products: 2 since keys and values stand in bfloat16. Throws as ops::selection does.
std::string cpu_kernel_family(ops::WeightType weights);

/// The same of a choice that need not be this process's.
std::string cpu_kernel_family(ops::WeightType weights, const ops::Selection& selection);

class CpuBackend final : public Backend {
 public:
  /// Loads the model; `pool` must outlive the backend. Errors are load_gpt2's.
  CpuBackend(const std::string& folder, ops::WeightType type, base::ThreadPool& pool);
  /// Of a model that was loaded as `type`; its kernels need not be the process's.
  CpuBackend(model::Gpt2 model, ops::WeightType type, base::ThreadPool& pool);

  /// Of so many free bytes, what a run takes when it is told no budget.
  static constexpr std::uint64_t default_share(std::uint64_t free_bytes) { return free_bytes / 2; }

  /// Slots when the caller names none: matrix products gain little beyond so many rows.
  static constexpr std::int32_t kDefaultBatch = 128;

  const model::ModelConfig& config() const override { return model_.config; }
  const Footprint& footprint() const override { return footprint_; }
  BackendDescription description() const override;
  std::uint64_t default_memory() const override;
  std::uint64_t weight_bytes() const override;
  std::uint64_t free_memory() const override;
  base::PromisedMemory& promises() override;
  std::uint64_t peak_memory() const override { return 0; }
  std::int32_t default_batch() const override;
  std::string lacks(const sampler::SamplingParameters&) const override { return {}; }
  base::ThreadPool& pool() override { return pool_; }
  std::unique_ptr<Stepper> stepper(const MemoryPlan& plan, std::int32_t longest_suffix) override;
  std::optional<std::vector<model::Activation>> activations(std::span<const std::int32_t> tokens,
                                                            std::span<const model::HookPoint> points,
                                                            std::uint64_t memory_bytes,
                                                            const std::atomic<bool>& cancelled) override;

 private:
  base::ThreadPool& pool_;
  ops::WeightType type_;
  model::Gpt2 model_;
  CpuFootprint footprint_;
};

}  // namespace faultline::session
