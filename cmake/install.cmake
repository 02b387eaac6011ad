# find_package(pewter) for others: headers, the layers as static libraries, one target pewter::pewter.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_library(pewter_all INTERFACE)
add_library(pewter::pewter ALIAS pewter_all)
set_target_properties(pewter_all PROPERTIES EXPORT_NAME pewter)
target_link_libraries(pewter_all INTERFACE pewter_train)

install(TARGETS pewter_all pewter_core pewter_device pewter_ops pewter_autograd pewter_io
                pewter_model pewter_train
        EXPORT pewterTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS pewter RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/pewter ${PROJECT_SOURCE_DIR}/include/mps
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT pewterTargets NAMESPACE pewter:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/pewter)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/pewterConfig.cmake.in
                              ${CMAKE_BINARY_DIR}/pewterConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/pewter)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/pewterConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/pewterConfig.cmake ${CMAKE_BINARY_DIR}/pewterConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/pewter)
