// Networks with their derivatives: evaluated as they are (pipeline/closures/jets.py), and what their
// tables need, tensor splines of two variables on equal intervals (pipeline/lammps/tabulate.py).
#ifndef METRIPLECTIC_NETWORK_H
#define METRIPLECTIC_NETWORK_H

#include "potential_file.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace metriplectic {

// y = weight x + bias
struct Layer {
  std::size_t inputs = 0, outputs = 0;
  std::vector<double> weight, bias;

  Layer() = default;
  Layer(const PotentialFile &file, const std::string &name);
  void apply(const double *x, double *y, bool with_bias) const;
};

// Two hidden layers: SiLU units, or the softplus units of a monotone network.
class Network {
 public:
  enum class Unit { SILU, SOFTPLUS };

  Network() = default;
  Network(const PotentialFile &file, const std::string &name, Unit unit);

  // Value and its derivatives at x along the inputs `along` and `count - 1` further ones; the
  // second derivative is along the first of them.
  void evaluate(const double *x, std::size_t along, std::size_t count);

  const double *value() const { return work[2].data(); }
  const double *first(std::size_t k) const { return value() + (k + 1) * output.outputs; }
  const double *second() const { return first(derivatives); }
  std::size_t inputs() const { return input.inputs; }

 private:
  Unit unit = Unit::SILU;
  Layer input, hidden, output;
  std::size_t derivatives = 0;
  // Per layer: values, first derivatives along each direction, second derivatives.
  std::vector<double> work[3];

  void activate(std::vector<double> &jet, std::size_t width) const;
  void transform(const Layer &layer, const std::vector<double> &from, std::vector<double> &to) const;
};

inline Layer::Layer(const PotentialFile &file, const std::string &name)
    : weight(file.numbers(name + ".weight")), bias(file.numbers(name + ".bias"))
{
  outputs = bias.size();
  inputs = weight.size() / outputs;
}

inline void Layer::apply(const double *x, double *y, bool with_bias) const
{
  for (std::size_t a = 0; a < outputs; ++a) {
    const double *row = weight.data() + a * inputs;
    double sum = with_bias ? bias[a] : 0.0;
    for (std::size_t b = 0; b < inputs; ++b) sum += row[b] * x[b];
    y[a] = sum;
  }
}

inline Network::Network(const PotentialFile &file, const std::string &name, Unit unit)
    : unit(unit), input(file, name + ".input"), hidden(file, name + ".hidden"),
      output(file, name + ".output")
{
  const std::size_t rows = input.inputs + 2;
  work[0].resize(rows * input.outputs);
  work[1].resize(rows * hidden.outputs);
  work[2].resize(rows * output.outputs);
}

inline void Network::evaluate(const double *x, std::size_t along, std::size_t count)
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
inline void Network::activate(std::vector<double> &jet, std::size_t width) const
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

inline void Network::transform(const Layer &layer, const std::vector<double> &from,
                        std::vector<double> &to) const
{
  for (std::size_t row = 0; row < derivatives + 2; ++row)
    layer.apply(&from[row * layer.inputs], &to[row * layer.outputs], row == 0);
}

// B-splines of degree P at a fraction t of an interval, and their derivatives in t.
template <int P> struct Basis {
  double value[P + 1], first[P + 1], second[P + 1];

  explicit Basis(double t)
  {
    double b[P + 1] = {1.0}, once[P + 1], twice[P + 1];    // b, and b of degree P - 1 and P - 2
    for (int d = 1; d <= P; ++d) {
      if (d == P - 1) std::copy(b, b + P + 1, twice);
      if (d == P) std::copy(b, b + P + 1, once);
      double saved = 0.0;
      for (int r = 0; r < d; ++r) {
        const double share = b[r] / d;
        b[r] = saved + (r + 1 - t) * share;
        saved = (t + d - 1 - r) * share;
      }
      b[d] = saved;
    }
    const auto at = [](const double *x, int r, int count) { return r < 0 || r >= count ? 0.0 : x[r]; };
    for (int r = 0; r <= P; ++r) {
      value[r] = b[r];
      first[r] = at(once, r - 1, P) - at(once, r, P);
      second[r] = at(twice, r - 2, P - 1) - 2.0 * at(twice, r - 1, P - 1) + at(twice, r, P - 1);
    }
  }
};

class Axis {
 public:
  Axis() = default;
  Axis(const PotentialFile &file, const std::string &name)
  {
    const auto &x = file.numbers(name);
    low = x[0], high = x[1], intervals = int(x[2]);
    scale = intervals / (high - low);
  }

  bool holds(double x) const { return x >= low && x <= high; }
  double clamped(double x) const { return std::clamp(x, low, high); }

  int cell(double x) const { return std::min(int((x - low) * scale), intervals - 1); }
  double fraction(double x, int cell) const { return (x - low) * scale - cell; }

  double scale = 1.0;    // intervals per unit
  int intervals = 1;

 private:
  double low = 0.0, high = 1.0;
};

}    // namespace metriplectic

#endif
