// The potential Phi(r) of one particle: walls, traps, gravity (pipeline/closures/external.py). It lives on
// axes that are open, where a place differs from all others.
#ifndef METRIPLECTIC_EXTERNAL_H
#define METRIPLECTIC_EXTERNAL_H

#include "potential_file.h"
#include "vectors.h"

#include <memory>

namespace metriplectic {

class External {
 public:
  struct Value {
    double phi;
    Vector gradient;    // the force is minus that
  };

  virtual ~External() = default;
  virtual Value operator()(const double *r) const = 0;
  virtual bool acts_along(int axis) const = 0;

  static std::unique_ptr<External> made(const PotentialFile &file, int dimension);
};

}    // namespace metriplectic

#endif
