#include "network.h"

#include <cmath>

namespace metriplectic {

Layer::Layer(const PotentialFile &file, const std::string &name)
    : weight(file.numbers(name + ".weight")), bias(file.numbers(name + ".bias"))
{
  outputs = bias.size();
  inputs = weight.size() / outputs;
}

void Layer::apply(const double *x, double *y, bool with_bias) const
{
  for (std::size_t a = 0; a < outputs; ++a) {
    const double *row = weight.data() + a * inputs;
    double sum = with_bias ? bias[a] : 0.0;
    for (std::size_t b = 0; b < inputs; ++b) sum += row[b] * x[b];
    y[a] = sum;
  }
}

Network::Network(const PotentialFile &file, const std::string &name, Unit unit)
    : unit(unit), input(file, name + ".input"), hidden(file, name + ".hidden"),
      output(file, name + ".output")
{
  const std::size_t rows = input.inputs + 2;
  work[0].resize(rows * input.outputs);
  work[1].resize(rows * hidden.outputs);
  work[2].resize(rows * output.outputs);
}

void Network::evaluate(const double *x, std::size_t along, std::size_t count)
{
  derivatives = count;
  const std::size_t width = input.outputs;
  input.apply(x, work[0].data(), true);
  for (std::size_t k = 0; k < count; ++k)
    for (std::size_t a = 0; a < width; ++a)
      work[0][(k + 1) * width + a] = input.weight[a * input.inputs + along + k];
  for (std::size_t a = 0; a < width; ++a) work[0][(count + 1) * width + a] = 0.0;
  activate(work[0], width);
  transform(hidden, work[0], work[1]);
  activate(work[1], hidden.outputs);
  transform(output, work[1], work[2]);
}

// Chain rule through units f: f, f' x', f'' x'^2 + f' x''.
void Network::activate(std::vector<double> &jet, std::size_t width) const
{
  for (std::size_t a = 0; a < width; ++a) {
    const double x = jet[a], s = 1.0 / (1.0 + std::exp(-x));
    double y, d, dd;
    if (unit == Unit::SILU) {
      y = x * s;
      d = s + y * (1.0 - s);
      dd = s * (1.0 - s) * (2.0 + x - 2.0 * y);
    } else {
      y = x > 40.0 ? x : std::log1p(std::exp(x));
      d = s;
      dd = s * (1.0 - s);
    }
    double *first = &jet[width + a], *second = &jet[(derivatives + 1) * width + a];
    *second = dd * *first * *first + d * *second;
    for (std::size_t k = 0; k < derivatives; ++k) first[k * width] *= d;
    jet[a] = y;
  }
}

void Network::transform(const Layer &layer, const std::vector<double> &from,
                        std::vector<double> &to) const
{
  for (std::size_t row = 0; row < derivatives + 2; ++row)
    layer.apply(&from[row * layer.inputs], &to[row * layer.outputs], row == 0);
}

}    // namespace metriplectic
