// Pairs of neighbours, found through cells and kept until some particle has moved far enough.
#ifndef METRIPLECTIC_ENGINE_NEIGHBOURS_H
#define METRIPLECTIC_ENGINE_NEIGHBOURS_H

#include "box.h"

#include <cstddef>
#include <vector>

namespace metriplectic {

class Neighbours {
 public:
  // Particles in the order of the cells they were found in, so that neighbours lie side by side in
  // memory: rank k is particle order[k].
  std::vector<int> order;
  std::vector<int> i, j;    // ranks of the pairs closer than the reach when it was searched

  Neighbours() = default;
  Neighbours(double cutoff, double skin) : reach(cutoff + skin), skin(skin) {}

  // Searches if two particles could have come closer than the cutoff unseen. r: n x D positions.
  void follow(const double *r, std::size_t n, const Box &box);

  std::size_t bytes() const;

 private:
  // A particle or one of its images at a place.
  struct Point {
    Vector r;
    int particle;
    bool image;
  };

  double reach = 0.0, skin = 0.0;
  std::vector<double> anchor;    // positions of the last search
  double anchor_offset = 0.0;
  bool known = false;

  bool stale(const double *r, std::size_t n, const Box &box) const;
  void search(const double *r, std::size_t n, const Box &box);
  std::vector<Point> points(const double *r, std::size_t n, const Box &box) const;
};

}    // namespace metriplectic

#endif
