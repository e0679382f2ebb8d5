#include "native/model/checkpoint.h"

#include "native/base/error.h"
#include "native/tensor/convert.h"

namespace faultline::model {

using base::Error;
using base::ErrorCode;

Checkpoint::Checkpoint(const format::TensorFile& file, const ModelConfig& config)
    : file_(file), prefix_(file.find("transformer.wte.weight") ? "transformer." : "") {
  const std::string next = prefix_ + layer(config.layers);
  for (const std::string& name : file.names()) {
    if (name.starts_with(next))
      throw Error(ErrorCode::input,
                  file.path() + ": tensor " + name + " belongs to layer " + std::to_string(config.layers) +
                      ", but config.json says n_layer " + std::to_string(config.layers),
                  "Check that config.json and the weights belong together.");
  }
}

tensor::TensorView Checkpoint::view(const std::string& name, const tensor::Shape& shape) const {
  return checked(prefix_ + name, shape);
}

base::AlignedBuffer Checkpoint::floats(const std::string& name, const tensor::Shape& shape) const {
  const tensor::TensorView tensor = view(name, shape);
  base::AlignedBuffer buffer = base::AlignedBuffer::floats(static_cast<std::size_t>(shape.elements()));
  tensor::copy_as_float(tensor, 0, shape.elements(), buffer.as<float>());
  return buffer;
}

tensor::TensorView Checkpoint::unembedding(const tensor::Shape& shape) const {
  return checked("lm_head.weight", shape);
}

tensor::TensorView Checkpoint::checked(const std::string& full_name, const tensor::Shape& shape) const {
  const tensor::TensorView tensor = file_.get(full_name);
  if (tensor.shape != shape)
    throw Error(ErrorCode::input,
                file_.path() + ": tensor " + full_name + " has shape " + tensor.shape.to_string() +
                    ", but config.json asks for " + shape.to_string(),
                "Check that config.json and the weights belong together.");
  if (!tensor::is_float_weight(tensor.dtype))
    throw Error(ErrorCode::input, file_.path() + ": tensor " + full_name + " holds " +
                                      tensor::dtype_name(tensor.dtype) + ", but weights must be F32, F16 or BF16");
  return tensor;
}

}  // namespace faultline::model
