# What measurements need that is made of the program's own parts; built only when asked for.

# Writes audit files with the real writer (bench/audit/run).
add_executable(audit_files EXCLUDE_FROM_ALL bench/audit/files.cpp)
target_link_libraries(audit_files PRIVATE ig_audit)

# The gateway without records of calls: what bench/run compares the cost of audit with. The one source file that is
# compiled anew stands in for its twin in the library.
add_executable(intragate_without_audit EXCLUDE_FROM_ALL src/app/main.cpp src/audit/writer.cpp)
target_compile_definitions(intragate_without_audit PRIVATE INTRAGATE_WITHOUT_AUDIT INTRAGATE_VERSION="${PROJECT_VERSION}")
target_link_libraries(intragate_without_audit PRIVATE ig_app CLI11::CLI11)
if(NOT INTRAGATE_SANITIZE)
  target_link_options(intragate_without_audit PRIVATE -static-libstdc++ -static-libgcc -Wl,--gc-sections)
endif()
