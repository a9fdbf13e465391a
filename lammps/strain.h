// The elastic energy of a solid (pipeline/closures/strain.py), by particle and by bond.
#ifndef METRIPLECTIC_STRAIN_H
#define METRIPLECTIC_STRAIN_H

#include "network.h"
#include "vectors.h"

#include <memory>

namespace metriplectic {

// A bond as seen from one of its ends.
struct ReferenceBond {
  int other;    // tag of the other end
  bool first;    // whether this end is the one that the forces of the bond are computed for
  double weight;
  Vector r0;    // undeformed r_ij
  int spans;    // how many of its ends have bonds that span space
};

// What the bonds of a particle add up to.
struct Neighbourhood {
  Matrix moment;          // of r_ij r0_ij^T, or the paper's strain
  double square = 0.0;    // of |r_ij|^2
};

struct Elasticity {
  double U, T, dTdS;    // U_dev and its derivatives in S
  Matrix stress;        // what the forces of the particle's bonds depend on
};

class Strain {
 public:
  virtual ~Strain() = default;
  // what a bond adds to the strain of the particle it is seen from
  virtual void add(const ReferenceBond &bond, Vector r_ij, Neighbourhood &sum) = 0;
  virtual Elasticity energy(const Neighbourhood &sum, const Matrix &inverse, double S) = 0;
  // force on i, which is the end the bond is seen from
  virtual Vector force(const ReferenceBond &bond, Vector r_ij, const Matrix &stress_i,
                       const Matrix &stress_j) = 0;

  static std::unique_ptr<Strain> made(const PotentialFile &file, double h, int dimension);
};

// The undeformed configuration: bonds of every particle by tag.
class Solid {
 public:
  Solid(const PotentialFile &file, int dimension);
  const std::vector<ReferenceBond> &bonds(int tag) const;
  const Matrix &inverse(int tag) const;
  int size() const { return int(inverses.size()) - 1; }

 private:
  std::vector<std::vector<ReferenceBond>> by_tag;
  std::vector<Matrix> inverses;
};

}    // namespace metriplectic

#endif
