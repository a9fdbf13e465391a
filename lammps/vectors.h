// Vectors and matrices of three components; in two dimensions the third ones are zero.
#ifndef METRIPLECTIC_VECTORS_H
#define METRIPLECTIC_VECTORS_H

#include "vector_math.h"

namespace metriplectic {

struct Vector {
  double x, y, z;
};

METRIPLECTIC_INLINE Vector operator+(Vector a, Vector b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
METRIPLECTIC_INLINE Vector operator-(Vector a, Vector b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
METRIPLECTIC_INLINE Vector operator*(double s, Vector a) { return {s * a.x, s * a.y, s * a.z}; }
METRIPLECTIC_INLINE double dot(Vector a, Vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

struct Matrix {
  double at[3][3] = {{0.0}};
};

// traceless part of the D x D block
inline Matrix deviator(Matrix x, int D)
{
  double trace = 0.0;
  for (int a = 0; a < D; ++a) trace += x.at[a][a];
  for (int a = 0; a < D; ++a) x.at[a][a] -= trace / D;
  return x;
}

inline Matrix product(const Matrix &x, const Matrix &y)
{
  Matrix z;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b)
      for (int c = 0; c < 3; ++c) z.at[a][b] += x.at[a][c] * y.at[c][b];
  return z;
}

inline double contraction(const Matrix &x, const Matrix &y)
{
  double sum = 0.0;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) sum += x.at[a][b] * y.at[a][b];
  return sum;
}

inline Matrix transposed(const Matrix &x)
{
  Matrix y;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) y.at[a][b] = x.at[b][a];
  return y;
}

inline Matrix scaled(double s, Matrix x)
{
  for (auto &row : x.at)
    for (double &value : row) value *= s;
  return x;
}

inline Matrix sum(Matrix x, const Matrix &y)
{
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) x.at[a][b] += y.at[a][b];
  return x;
}

inline Vector times(const Matrix &x, Vector v)
{
  const auto row = [&](int a) { return x.at[a][0] * v.x + x.at[a][1] * v.y + x.at[a][2] * v.z; };
  return {row(0), row(1), row(2)};
}

// det(F) F^-T of the D x D block
inline Matrix cofactor(const Matrix &F, int D)
{
  Matrix x = F, out;
  if (D == 2) x.at[2][2] = 1.0;
  for (int a = 0; a < D; ++a)
    for (int b = 0; b < D; ++b) {
      const int p = (a + 1) % 3, q = (a + 2) % 3, r = (b + 1) % 3, s = (b + 2) % 3;
      out.at[a][b] = x.at[p][r] * x.at[q][s] - x.at[p][s] * x.at[q][r];
    }
  return out;
}

}    // namespace metriplectic

#endif
