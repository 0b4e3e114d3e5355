// SPDX-License-Identifier: MIT
//
// What comes before main(): a constructor as early as there is one, objects of C++; new
// and delete in all their forms; and what comes after it.
#include <cstdlib>
#include <map>
#include <new>
#include <string>
#include <vector>

namespace {
void *first;

__attribute__((constructor(101))) void begin() { first = std::malloc(1000); }
__attribute__((destructor(101))) void end() { std::free(first); }

struct alignas(256) Wide {
    char bytes[512];
};

std::map<std::string, std::vector<int>> table = {
    {"a name that is too long to be kept in the string itself", {1, 2, 3}},
    {"another name that is too long to be kept in the string itself", {4, 5, 6}},
};
} // namespace

int main() {
    for (int i = 0; i < 1000; i++)
        table[std::to_string(i) + " and so forth, and on"].push_back(i);
    table.erase(table.begin(), table.find("5 and so forth, and on"));
    delete new Wide;
    delete[] new Wide[3];
    delete[] new (std::nothrow) int[100];
    void *volatile none = operator new(static_cast<std::size_t>(-1) / 4, std::nothrow);
    return none != nullptr;
}
