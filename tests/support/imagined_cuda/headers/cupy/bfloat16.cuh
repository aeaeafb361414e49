// Nothing of it is needed here: see complex.cuh.
#pragma once
