#include "neighbours.h"

#include <algorithm>
#include <array>

namespace metriplectic {

namespace {

Vector place(const double *r, int D) { return {r[0], r[1], D == 3 ? r[2] : 0.0}; }

// Cells of at least the reach over everything there is, not many more of them than points.
struct Grid {
  double low[3], per_cell[3];
  int count[3];

  int cell(double x, int axis) const
  {
    const double at = (x - low[axis]) * per_cell[axis];
    return int(std::clamp(at, 0.0, double(count[axis] - 1)));
  }

  std::array<int, 3> cells(Vector r) const { return {cell(r.x, 0), cell(r.y, 1), cell(r.z, 2)}; }
  std::size_t number(int x, int y, int z) const { return (std::size_t(z) * count[1] + y) * count[0] + x; }
  std::size_t size() const { return std::size_t(count[0]) * count[1] * count[2]; }
};

Grid grid(const double *low, const double *high, double reach, int D, std::size_t points)
{
  const double most = std::ceil(std::pow(2.0 * double(points) + 8.0, 1.0 / D));
  Grid made;
  for (int a = 0; a < 3; ++a) {
    const double extent = std::max(high[a] - low[a], 1e-300);
    made.low[a] = low[a];
    made.count[a] = int(std::clamp(std::floor(extent / reach), 1.0, most));
    made.per_cell[a] = made.count[a] / extent;
  }
  return made;
}

}    // namespace

void Neighbours::follow(const double *r, std::size_t n, const Box &box)
{
  if (stale(r, n, box)) search(r, n, box);
}

bool Neighbours::stale(const double *r, std::size_t n, const Box &box) const
{
  if (!known || anchor.size() != n * box.D) return true;
  double farthest = 0.0;
  for (std::size_t k = 0; k < n * box.D; k += box.D) {
    double moved2 = 0.0;
    for (int a = 0; a < box.D; ++a) moved2 += (r[k + a] - anchor[k + a]) * (r[k + a] - anchor[k + a]);
    farthest = std::max(farthest, moved2);
  }
  double slid = std::fabs(box.offset - anchor_offset);
  slid = std::min(slid, std::fabs(box.length[0] - slid));
  return !(2.0 * std::sqrt(farthest) + (box.slide != 0.0 ? slid : 0.0) <= skin);
}

// All particles in the box, and the images within the reach of its sides.
std::vector<Neighbours::Point> Neighbours::points(const double *r, std::size_t n, const Box &box) const
{
  std::vector<Point> all;
  all.reserve(n + n / 2);
  for (std::size_t k = 0; k < n; ++k) all.push_back({box.wrapped(place(r + k * box.D, box.D)), int(k), false});
  // First those above and below, which slide: they are then put back into the box along x.
  for (const int axis : {1, 0, 2}) {
    const double L = box.length[axis];
    if (L == 0.0) continue;
    const std::size_t before = all.size();
    for (std::size_t k = 0; k < before; ++k)
      for (const int side : {-1, 1}) {
        Point image = all[k];
        image.image = true;
        double &x = axis == 0 ? image.r.x : axis == 1 ? image.r.y : image.r.z;
        if (side < 0 ? x < L - reach : x > reach) continue;
        x += side * L;
        if (axis == 1 && box.slide != 0.0) {
          image.r.x += side * box.offset;
          image.r.x -= std::floor(image.r.x / box.length[0]) * box.length[0];
        }
        all.push_back(image);
      }
  }
  return all;
}

void Neighbours::search(const double *r, std::size_t n, const Box &box)
{
  std::vector<Point> all = points(r, n, box);
  double low[3] = {0.0, 0.0, 0.0}, high[3] = {0.0, 0.0, 0.0};
  for (std::size_t k = 0; k < all.size(); ++k) {
    const double x[3] = {all[k].r.x, all[k].r.y, all[k].r.z};
    for (int a = 0; a < 3; ++a) {
      low[a] = k ? std::min(low[a], x[a]) : x[a];
      high[a] = k ? std::max(high[a], x[a]) : x[a];
    }
  }
  const Grid cells = grid(low, high, reach, box.D, all.size());

  // Points sorted by cell, particles before images.
  std::vector<int> first(cells.size() + 1, 0), sorted(all.size()), rank(n);
  std::vector<std::size_t> in(all.size());
  for (std::size_t k = 0; k < all.size(); ++k) {
    const auto [x, y, z] = cells.cells(all[k].r);
    in[k] = cells.number(x, y, z);
    ++first[in[k] + 1];
  }
  for (std::size_t c = 0; c < cells.size(); ++c) first[c + 1] += first[c];
  std::vector<int> next(first.begin(), first.end() - 1);
  for (std::size_t k = 0; k < all.size(); ++k) sorted[next[in[k]]++] = int(k);
  order.clear();
  for (const int k : sorted)
    if (!all[k].image) rank[all[k].particle] = int(order.size()), order.push_back(all[k].particle);

  i.clear(), j.clear();
  std::vector<int> near;
  const double reach2 = reach * reach;
  for (std::size_t k = 0; k < n; ++k) {
    const Point &at = all[order[k]];    // particles are the first points, in their own order
    const auto [cx, cy, cz] = cells.cells(at.r);
    near.clear();
    for (int z = std::max(cz - 1, 0); z <= std::min(cz + 1, cells.count[2] - 1); ++z)
      for (int y = std::max(cy - 1, 0); y <= std::min(cy + 1, cells.count[1] - 1); ++y) {
        const int left = std::max(cx - 1, 0), right = std::min(cx + 1, cells.count[0] - 1);
        const int end = first[cells.number(right, y, z) + 1];
        for (int p = first[cells.number(left, y, z)]; p < end; ++p) {
          const Point &other = all[sorted[p]];
          const int other_rank = rank[other.particle];
          const Vector d = at.r - other.r;
          if (other_rank > int(k) && dot(d, d) < reach2) near.push_back(other_rank);
        }
      }
    // A pair half a box apart is seen from both sides.
    std::sort(near.begin(), near.end());
    near.erase(std::unique(near.begin(), near.end()), near.end());
    i.insert(i.end(), near.size(), int(k));
    j.insert(j.end(), near.begin(), near.end());
  }
  anchor.assign(r, r + n * box.D);
  anchor_offset = box.offset;
  known = true;
}

std::size_t Neighbours::bytes() const
{
  return (i.capacity() + j.capacity() + order.capacity()) * sizeof(int) + anchor.capacity() * sizeof(double);
}

}    // namespace metriplectic
